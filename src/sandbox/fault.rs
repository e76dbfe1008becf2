//! What goes wrong on demand (CHANNELS 21). Refused connections are [`super::Provider::stop`].

/// A fault of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Takes the request and never answers.
    Hang,
    /// 503 with a proxy's HTML page.
    Unavailable,
    /// Too many requests, in the service's own form; free again after so many seconds.
    TooMany {
        /// Seconds.
        seconds: u32,
    },
    /// Does the work and never answers: many requests stand in flight at once.
    WorkAndHang,
    /// Does the work, then cuts the connection: the client cannot know.
    LoseAnswer,
    /// Does the work, then cuts the answer in its middle.
    CutAnswer,
    /// Refuses the credentials.
    Unauthorized,
}

/// A fault and for how many more requests it holds.
#[derive(Debug, Default)]
pub(super) struct Faults {
    now: Option<(Fault, Option<u32>)>,
}

impl Faults {
    /// `times` requests, or until cleared.
    pub(super) fn set(&mut self, fault: Option<Fault>, times: Option<u32>) {
        self.now = fault.map(|fault| (fault, times));
    }

    /// What the next request meets; counts it.
    pub(super) fn next(&mut self) -> Option<Fault> {
        let (fault, times) = self.now?;
        match times {
            Some(0) => {
                self.now = None;
                return None;
            }
            Some(1) => self.now = None,
            Some(n) => self.now = Some((fault, Some(n - 1))),
            None => {}
        }
        Some(fault)
    }

    /// What holds now, for the page.
    pub(super) fn current(&self) -> Option<Fault> {
        self.now.map(|(fault, _)| fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_holds_for_as_many_requests_as_asked() {
        let mut faults = Faults::default();
        assert_eq!(faults.next(), None);
        faults.set(Some(Fault::Hang), Some(2));
        let seen = [faults.next(), faults.next(), faults.next()];
        assert_eq!(seen, [Some(Fault::Hang), Some(Fault::Hang), None]);
        faults.set(Some(Fault::LoseAnswer), None);
        assert!((0..9).all(|_| faults.next() == Some(Fault::LoseAnswer)));
        faults.set(None, None);
        assert_eq!(faults.next(), None);
    }
}
