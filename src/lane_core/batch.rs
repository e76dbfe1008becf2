//! Natural group commit: while one write is under way the next ones gather, and go together when it is done (LANES 1).

use std::collections::VecDeque;

/// What waits to be written and what is being written.
#[derive(Debug)]
pub struct Batch<T> {
    waiting: VecDeque<T>,
    writing: Vec<T>,
    failed: bool,
    troubled: bool,
}

/// At most so many rows in one write, so that one lane does not keep the writer from the others.
pub const MOST: usize = 1_000;

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            writing: Vec::new(),
            failed: false,
            troubled: false,
        }
    }
}

impl<T: Clone> Batch<T> {
    /// Adds something to be written.
    pub fn add(&mut self, item: T) {
        self.waiting.push_back(item);
    }

    /// The next write, if none is under way; the same rows again after a failure. The caller decides when to repeat.
    pub fn next_write(&mut self) -> Option<Vec<T>> {
        if self.failed {
            self.failed = false;
            return Some(self.writing.clone());
        }
        if !self.writing.is_empty() || self.waiting.is_empty() {
            return None;
        }
        let n = self.waiting.len().min(MOST);
        self.writing.extend(self.waiting.drain(..n));
        Some(self.writing.clone())
    }

    /// The write is committed; the rows in it.
    pub fn written(&mut self) -> usize {
        self.failed = false;
        self.troubled = false;
        let n = self.writing.len();
        self.writing.clear();
        n
    }

    /// The write failed; [`Batch::next_write`] gives it again.
    pub fn failed(&mut self) {
        self.failed = !self.writing.is_empty();
        self.troubled = self.failed;
    }

    /// True after a failure until the same rows are committed.
    pub fn is_troubled(&self) -> bool {
        self.troubled
    }

    /// Changes what is not being written now: what waits, and what a failed write left.
    pub fn each_waiting(&mut self, change: impl FnMut(&mut T)) {
        let failed = self.writing.iter_mut().filter(|_| self.failed);
        failed.chain(&mut self.waiting).for_each(change);
    }

    /// Rows not yet committed.
    pub fn unwritten(&self) -> usize {
        self.waiting.len() + self.writing.len()
    }

    /// True where everything is committed.
    pub fn is_empty(&self) -> bool {
        self.unwritten() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathers_while_a_write_is_under_way() {
        let mut batch = Batch::default();
        batch.add(1);
        assert_eq!(batch.next_write(), Some(vec![1]));
        batch.add(2);
        batch.add(3);
        assert_eq!(batch.next_write(), None, "one write at a time");
        assert_eq!(batch.unwritten(), 3);
        batch.written();
        assert_eq!(batch.next_write(), Some(vec![2, 3]));
    }

    #[test]
    fn a_failed_write_is_repeated_as_it_was() {
        let mut batch = Batch::default();
        batch.add(1);
        batch.next_write();
        batch.add(2);
        batch.each_waiting(|n| *n += 10);
        batch.failed();
        assert!(batch.is_troubled());
        batch.each_waiting(|n| *n += 100);
        assert_eq!(batch.next_write(), Some(vec![101]), "the same rows, no others");
        assert_eq!(batch.next_write(), None);
        assert!(batch.is_troubled());
        batch.written();
        assert!(!batch.is_troubled());
        assert_eq!(batch.next_write(), Some(vec![112]));
    }
}
