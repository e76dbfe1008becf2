//! What the store does not take: logged once, left as a note for commands, and taken back with the first thing that is written again (LANES 8).

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::SharedClock;
use crate::store::trouble::{self, Note};
use crate::store::{StoreError, Trouble};

/// Shared by all that write for the lanes.
pub(crate) struct Troubles {
    data: PathBuf,
    clock: SharedClock,
    now: Mutex<Option<Met>>,
}

/// What was met, and by which call.
struct Met {
    note: Note,
    who: String,
    what: &'static str,
    /// Nothing can be written: anything that is written ends it. Else it is this call that has to work again.
    by_writing: bool,
}

impl Troubles {
    /// Whatever an older owner has noted is none of this one's.
    pub(crate) fn new(data: PathBuf, clock: SharedClock) -> Self {
        trouble::take_back(&data);
        Self {
            data,
            clock,
            now: Mutex::default(),
        }
    }

    fn now(&self) -> MutexGuard<'_, Option<Met>> {
        // One value that nobody can leave half written.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store has not done this for a lane (or for all). The same trouble twice in a row is logged once, whoever meets it.
    pub(crate) fn met(&self, who: &str, what: &'static str, error: &StoreError) {
        let said = error.said();
        let mut now = self.now();
        if now.as_ref().is_some_and(|met| met.note.said == said) {
            return;
        }
        tracing::error!(lane = who, what, %error, "the store failed; nothing is sent until it works again");
        let by_writing = match error {
            StoreError::Broken(Trouble::Damaged | Trouble::NoStore)
            | StoreError::Database(_)
            | StoreError::File { .. } => false,
            StoreError::Broken(_) => true,
            // A rule of the store: it works.
            _ => return,
        };
        let since_ms = now
            .as_ref()
            .map_or_else(|| self.clock.now_ms(), |met| met.note.since_ms);
        let note = Note { since_ms, said };
        if let Err(error) = trouble::leave(&self.data, &note) {
            tracing::debug!(%error, "no note could be left");
        }
        *now = Some(Met {
            note,
            who: who.to_owned(),
            what,
            by_writing,
        });
    }

    /// This call has worked; `wrote`: and something is written by it.
    pub(crate) fn over(&self, who: &str, what: &'static str, wrote: bool) {
        let mut now = self.now();
        let ends = |met: &mut Met| {
            if met.by_writing {
                wrote
            } else {
                met.who == who && met.what == what
            }
        };
        if now.take_if(ends).is_some() {
            tracing::info!("the store works again: sending goes on");
            trouble::take_back(&self.data);
        }
    }
}

impl Drop for Troubles {
    fn drop(&mut self) {
        if self.now().is_some() {
            trouble::take_back(&self.data);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn a_trouble_ends_with_what_proves_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let troubles = Troubles::new(dir.path().to_owned(), Arc::new(SystemClock));
        let noted = || trouble::read(dir.path()).is_some();
        troubles.met("sms", "complete", &StoreError::Broken(Trouble::Disk));
        assert!(noted());
        troubles.over("mail", "claim", false);
        assert!(noted(), "what finds nothing to write proves nothing");
        troubles.over("mail", "claim", true);
        assert!(!noted());

        troubles.met("sms", "claim", &StoreError::Broken(Trouble::Damaged));
        troubles.over("all", "storing the time", true);
        assert!(noted(), "another page may be whole");
        troubles.over("sms", "claim", false);
        assert!(!noted());

        troubles.met("sms", "claim", &StoreError::Refused(crate::store::Refusal::Moved));
        assert!(!noted(), "it works, and refuses");
        troubles.met("sms", "claim", &StoreError::Broken(Trouble::Full));
        drop(troubles);
        assert!(!noted(), "nobody is in trouble any more");
    }
}
