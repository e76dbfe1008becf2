//! The automatic stop of a release with a ramp (LANES 5): the last 200 results; more than 5 % refusals among them, or one "too fast", and the
//! lane holds itself. Pure; the store keeps the window and closes the gate in the transaction that writes the outcomes.

use crate::domain::outcome::Reason;
use crate::lane_core::values::{Completion, Settled};
use crate::said;
use crate::text::said::Said;

/// Results looked at.
const WINDOW: usize = 200;
/// Fewer results say nothing about a share.
const LEAST: usize = 20;
/// More refusals than this stop the lane, percent.
const REFUSED_PERCENT: usize = 5;

/// What a result says about how welcome we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Taken.
    Taken,
    /// Refused: the recipient, the content, or us.
    Refused,
    /// We are too fast (429).
    TooFast,
}

/// The last results, newest last; as text one character each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window(String);

/// What an outcome says; nothing where it says more about the line than about us.
pub fn sign(completion: &Completion) -> Option<Sign> {
    match (&completion.settled, completion.reason) {
        (Settled::Delivered(_) | Settled::Accepted(_), _) => Some(Sign::Taken),
        (Settled::Permanent | Settled::Gone, _) | (Settled::Waiting { .. }, Reason::PolicyRefused) => {
            Some(Sign::Refused)
        }
        (Settled::Waiting { .. }, Reason::RateLimited) => Some(Sign::TooFast),
        _ => None,
    }
}

impl Window {
    /// As stored.
    pub fn stored(text: &str) -> Self {
        Self(text.chars().filter(char::is_ascii).collect())
    }

    /// To be stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes a result in.
    pub fn note(&mut self, sign: Sign) {
        if self.0.len() >= WINDOW {
            self.0.remove(0);
        }
        self.0.push(match sign {
            Sign::Taken => '.',
            Sign::Refused => 'x',
            Sign::TooFast => '!',
        });
    }

    /// Why the lane has to stop now, if it has to.
    pub fn stops(&self) -> Option<Said> {
        let count = |mark: char| self.0.chars().filter(|c| *c == mark).count();
        if count('!') > 0 {
            return Some(said!(
                "der Dienst sagt, dass es ihm zu schnell geht; von selbst angehalten",
                "the service says that we are too fast; it stopped by itself"
            ));
        }
        let (refused, of) = (count('x'), self.0.len());
        (of >= LEAST && refused * 100 > REFUSED_PERCENT * of).then(|| {
            said!(
                "{refused} der letzten {of} Sendungen wurden abgelehnt; von selbst angehalten",
                "{refused} of the last {of} messages were refused; it stopped by itself"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(taken: usize, refused: usize) -> Window {
        let mut window = Window::default();
        (0..taken).for_each(|_| window.note(Sign::Taken));
        (0..refused).for_each(|_| window.note(Sign::Refused));
        window
    }

    #[test]
    fn more_than_one_in_twenty_stops() {
        assert!(window(190, 10).stops().is_none(), "5 % are borne");
        let stopped = window(189, 11).stops().unwrap();
        assert!(stopped.en.contains("11 of the last 200"), "{stopped:?}");
        assert!(window(0, 19).stops().is_none(), "too few to say");
        assert!(window(18, 2).stops().is_some());
    }

    #[test]
    fn only_the_last_200_count_and_survive_being_stored() {
        let mut window = window(0, 200);
        (0..190).for_each(|_| window.note(Sign::Taken));
        assert!(window.stops().is_none());
        assert_eq!(Window::stored(window.as_str()), window);
        window.note(Sign::TooFast);
        assert!(window.stops().unwrap().de.contains("zu schnell"));
    }
}
