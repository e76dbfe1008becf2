//! Facts: the named, structured parts of a notice. In a notice a fact is a patch; folded over the incident it is the fact as it stands.
//! Every field is optional in a patch: what is given replaces, what is not stays (field by field).

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::when::{Until, When};
use super::words::{Appointments, ContactState, EventKind, PlaceState, ServiceState, Sure, Way};
use crate::text::lang::Lang;

/// Where a fact comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Link (http or https).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// What every fact may carry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Common {
    /// As-of of this fact alone; else that of its notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<When>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
    /// Who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Places it concerns; empty: no particular one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<String>,
    /// Ends the fact of this id.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
    /// The fact's words in other languages: field name to text (`[service.ID.text.en]`; where the fact has a field
    /// `text` of its own, `text` is a table: `text = { de = "…", en = "…" }`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub translations: BTreeMap<Lang, BTreeMap<String, String>>,
}

/// What every kind of fact can do, so that one fold serves all tables.
pub trait Fact: Clone + PartialEq {
    /// Lays a later patch over this fact.
    fn lay_over(&mut self, patch: &Self);
    /// What every fact carries.
    fn common(&self) -> &Common;
    /// The same, to change.
    fn common_mut(&mut self) -> &mut Common;
    /// Name or first words, where given.
    fn label(&self) -> Option<&str>;
}

macro_rules! fact {
    ($($(#[$doc:meta])* $name:ident by $($label:ident)|+ { $($(#[$fdoc:meta])* $field:ident : $ty:ty),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            $($(#[$fdoc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$ty>,)+
            /// What every fact may carry.
            #[serde(flatten)]
            pub common: Common,
        }
        impl $name {
            /// The names of the fields beside the common ones, as written in a notice.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];
            /// Lays a later patch over this fact: what the patch gives replaces, what it does not give stays.
            pub fn lay_over(&mut self, patch: &Self) {
                $(if patch.$field.is_some() { self.$field.clone_from(&patch.$field); })+
                self.common.lay_over(&patch.common);
            }
        }
        impl Fact for $name {
            fn lay_over(&mut self, patch: &Self) {
                Self::lay_over(self, patch);
            }
            fn common(&self) -> &Common {
                &self.common
            }
            fn common_mut(&mut self) -> &mut Common {
                &mut self.common
            }
            fn label(&self) -> Option<&str> {
                None$(.or(self.$label.as_deref()))+
            }
        }
    )+};
}

impl Common {
    /// Lays a later patch over this: see the facts' own `lay_over`.
    pub fn lay_over(&mut self, patch: &Self) {
        fn over<T: Clone>(mine: &mut Option<T>, theirs: &Option<T>) {
            if theirs.is_some() {
                mine.clone_from(theirs);
            }
        }
        over(&mut self.as_of, &patch.as_of);
        over(&mut self.since, &patch.since);
        over(&mut self.until, &patch.until);
        over(&mut self.source, &patch.source);
        if !patch.places.is_empty() {
            self.places.clone_from(&patch.places);
        }
        self.ended = patch.ended;
        for (lang, words) in &patch.translations {
            self.translations.entry(*lang).or_default().extend(words.clone());
        }
    }
}

/// One dated exception of a place's hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoursException {
    /// The day.
    pub date: Date,
    /// The hours of that day; `None` with `closed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
    /// Closed that day.
    #[serde(default)]
    pub closed: bool,
}

fact! {
    /// `[service.ID]`.
    Service by name {
        /// Name.
        name: String,
        /// State.
        state: ServiceState,
        /// Ways that work.
        ways: Vec<Way>,
        /// The step at which it stops.
        stops_at: String,
        /// Why.
        because: String,
        /// What to do instead.
        r#do: String,
        /// From when the workaround works.
        workaround_from: When,
        /// Who does it instead.
        by: String,
        /// Deadline that moved.
        deadline: String,
        /// Payment.
        payment: String,
    }
    /// `[contact.ID]`.
    Contact by name | phone | email | fax | url {
        /// Name; missing: the word for the way.
        name: String,
        /// Phone number.
        phone: String,
        /// Fax number.
        fax: String,
        /// E-mail address.
        email: String,
        /// Postal address.
        address: String,
        /// Web address.
        url: String,
        /// State; `from` is not shown as working before `since`.
        state: ContactState,
        /// Hours.
        hours: String,
        /// E-mail is received.
        receives: bool,
        /// E-mail can be sent.
        sends: bool,
        /// What a sender of mail will see.
        sender_sees: String,
        /// What happens to it afterwards.
        afterwards: String,
        /// Note.
        note: String,
        /// Leaves the archive on closing.
        private: bool,
    }
    /// `[place.ID]`.
    Place by name {
        /// Name.
        name: String,
        /// Address.
        address: String,
        /// Entrance.
        entrance: String,
        /// State.
        state: PlaceState,
        /// Hours.
        hours: String,
        /// Dated exceptions.
        exceptions: Vec<HoursException>,
        /// What can be picked up, where.
        pickup: String,
        /// Appointments.
        appointments: Appointments,
        /// What to do.
        r#do: String,
    }
    /// `[assured.ID]` and `[unaffected.ID]`.
    Assured by name | text {
        /// Name.
        name: String,
        /// Text.
        text: String,
    }
    /// `[finding.ID]`.
    Finding by text {
        /// Text.
        text: String,
        /// How sure.
        sure: Sure,
    }
    /// `[unknown.ID]`: what we do not know yet.
    Unknown by text {
        /// Text.
        text: String,
    }
    /// `[question.ID]`.
    Question by ask {
        /// The question.
        ask: String,
        /// The answer.
        answer: String,
    }
    /// `[said.ID]`: quoted as said, never as own words.
    Said by text | who {
        /// Name.
        who: String,
        /// Function.
        function: String,
        /// The words.
        text: String,
        /// Link.
        link: String,
    }
    /// `[event.ID]`: the course of events, and single events that take place all the same.
    Event by text {
        /// When.
        at: When,
        /// Text.
        text: String,
        /// Kind; missing: `happened`.
        kind: EventKind,
    }
}

/// All facts of one notice (patches) or of a folded incident (as they stand), each table by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Services.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub service: BTreeMap<String, Service>,
    /// Contacts.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub contact: BTreeMap<String, Contact>,
    /// Places.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub place: BTreeMap<String, Place>,
    /// Assured as of now; runs out after 24 h unless `until` says otherwise.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub assured: BTreeMap<String, Assured>,
    /// Not affected.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unaffected: BTreeMap<String, Assured>,
    /// Findings.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub finding: BTreeMap<String, Finding>,
    /// Not known yet.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown: BTreeMap<String, Unknown>,
    /// Questions and answers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub question: BTreeMap<String, Question>,
    /// Quotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub said: BTreeMap<String, Said>,
    /// Events.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub event: BTreeMap<String, Event>,
}
