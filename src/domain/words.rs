//! The closed word lists of the notice file: states, kinds, ways, degrees of certainty (NOTICE.md, CASES.md).

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $var:ident = $word:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $var),+ }
        impl $name {
            /// Every word of the list, in the order of the documentation.
            pub const ALL: &'static [$name] = &[$($name::$var),+];
            /// The words themselves, in the same order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];
            /// The word as it stands in a notice file and in JSON.
            pub fn word(self) -> &'static str {
                match self { $($name::$var => $word),+ }
            }
            /// Reads the word of a notice file.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$var),)+ _ => None }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.word()) }
        }
    )+};
}

words! {
    /// What a notice is.
    Kind {
        /// News of an incident.
        Notice = "notice",
        /// Sets an earlier notice right.
        Correction = "correction",
        /// Takes an earlier notice back.
        Retraction = "retraction",
    }
    /// The state of an incident (DESIGN section 2).
    IncidentState {
        /// Reported, not yet confirmed.
        Reported = "reported",
        /// Confirmed.
        Confirmed = "confirmed",
        /// Switched off as a precaution.
        Precaution = "precaution",
        /// Restricted.
        Restricted = "restricted",
        /// Emergency operation.
        Emergency = "emergency",
        /// Restoration postponed.
        Postponed = "postponed",
        /// Partly restored.
        PartlyRestored = "partly-restored",
        /// Restored ("Störung beendet").
        Restored = "restored",
        /// Restored, then switched off again ("Wieder abgeschaltet").
        RolledBack = "rolled-back",
        /// Closed; nothing follows without `incident reopen`.
        Closed = "closed",
    }
    /// The state of a service.
    ServiceState {
        /// Works.
        Works = "works",
        /// Works with limits.
        Limited = "limited",
        /// Can be applied for, cannot be completed.
        StartOnly = "start-only",
        /// Only on paper.
        PaperOnly = "paper-only",
        /// Provisional documents.
        Provisional = "provisional",
        /// Emergency operation.
        Emergency = "emergency",
        /// Off.
        Off = "off",
        /// Switched off as a precaution.
        OffPrecaution = "off-precaution",
        /// In preparation.
        InPreparation = "in-preparation",
        /// Postponed.
        Postponed = "postponed",
        /// Worked again, then switched off again.
        RolledBack = "rolled-back",
    }
    /// The state of a contact.
    ContactState {
        /// Works.
        Works = "works",
        /// Works with limits.
        Limited = "limited",
        /// Off.
        Off = "off",
        /// Will work from its `since` on, not before.
        From = "from",
    }
    /// The state of a place.
    PlaceState {
        /// Open.
        Open = "open",
        /// Open with limits.
        Limited = "limited",
        /// Closed.
        Closed = "closed",
    }
    /// What happens to appointments at a place.
    Appointments {
        /// They stand.
        Stand = "stand",
        /// Please do not come.
        DoNotCome = "do-not-come",
        /// They will be made up.
        MadeUp = "made-up",
    }
    /// A way of reaching a service.
    Way {
        /// On line.
        Online = "online",
        /// At the counter.
        Counter = "counter",
        /// By phone.
        Phone = "phone",
        /// By post.
        Post = "post",
        /// By fax.
        Fax = "fax",
        /// By e-mail.
        Mail = "mail",
        /// At another office.
        OtherOffice = "other-office",
    }
    /// How sure a finding is.
    Sure {
        /// Confirmed.
        Confirmed = "confirmed",
        /// Suspected.
        Suspected = "suspected",
        /// So far no sign; never stands under "assured".
        NoSignSoFar = "no-sign-so-far",
        /// Said by somebody else.
        Quoted = "quoted",
    }
    /// What an event is.
    EventKind {
        /// Takes place all the same.
        Happens = "happens",
        /// Has happened (the default).
        Happened = "happened",
        /// Does not take place.
        Cancelled = "cancelled",
    }
}
