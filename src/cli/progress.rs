//! What takes a while shows that it goes on: on a terminal's standard error, nowhere else, and gone when it is done.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Something under way; its line goes when it is dropped.
pub struct Progress(ProgressBar);

impl Progress {
    /// Turns until it is over.
    pub fn turning(words: &str) -> Self {
        Self::of(ProgressBar::new_spinner(), "{spinner} {msg} ({elapsed})", words)
    }

    /// Counts up to `all`.
    pub fn counting(words: &str, all: usize) -> Self {
        let all = u64::try_from(all).unwrap_or(u64::MAX);
        Self::of(ProgressBar::new(all), "{msg} {bar:30} {pos}/{len}", words)
    }

    fn of(bar: ProgressBar, pattern: &str, words: &str) -> Self {
        // A fixed pattern: if it were wrong, the plain one does.
        if let Ok(style) = ProgressStyle::with_template(pattern) {
            bar.set_style(style);
        }
        bar.set_message(words.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// Says something else from now on.
    pub fn say(&self, words: &str) {
        self.0.set_message(words.to_owned());
    }

    /// One more is done.
    pub fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
