//! The keys of a notice file and the fields of every table of facts: the list the reader checks by, and whoever prints help about the file.

use crate::domain::words::{
    Appointments, ContactState, EventKind, IncidentState, Kind, PlaceState, ServiceState, Sure, Way,
};

/// A table of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// `[service.ID]`
    Service,
    /// `[contact.ID]`
    Contact,
    /// `[place.ID]`
    Place,
    /// `[assured.ID]`
    Assured,
    /// `[unaffected.ID]`
    Unaffected,
    /// `[finding.ID]`
    Finding,
    /// `[unknown.ID]`
    Unknown,
    /// `[question.ID]`
    Question,
    /// `[said.ID]`
    Said,
    /// `[event.ID]`
    Event,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A text of one line, translatable.
    Line,
    /// A text of any number of lines, translatable.
    Text,
    /// The same, or a date or time without quotation marks.
    TextOrTime,
    /// A phone or fax number.
    Phone,
    /// A mail address.
    Mail,
    /// An http or https address.
    Link,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Some of these words.
    Words(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A point in time or a vague one.
    When,
    /// A point in time.
    Time,
    /// An end.
    Until,
    /// `{ who, function, link }`.
    Source,
    /// Ids.
    Ids,
    /// `[{ date, hours or closed }]`.
    Exceptions,
}

/// A field of a table.
pub type Field = (&'static str, Shape);

/// What every fact may carry beside its own fields; and `text.LANG` for its words.
pub const COMMON: &[Field] = &[
    ("as_of", Shape::Time),
    ("since", Shape::When),
    ("until", Shape::Until),
    ("source", Shape::Source),
    ("places", Shape::Ids),
    ("ended", Shape::Flag),
];

/// A key at the top of a notice file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopKey {
    /// As written.
    pub name: &'static str,
    /// What it holds, in English, for the reference.
    pub holds: &'static str,
    /// The only words allowed; empty: anything of its kind.
    pub words: &'static [&'static str],
    /// A value as it may stand in a TOML file.
    pub example: &'static str,
}

const fn top(name: &'static str, holds: &'static str, example: &'static str) -> TopKey {
    TopKey {
        name,
        holds,
        words: &[],
        example,
    }
}

/// The keys at the top of a notice file, in the order of the documentation; the tables of facts follow.
pub const TOP: &[TopKey] = &[
    top(
        "publisher",
        "id of the publisher; may be left out where there is only one",
        "\"stadt\"",
    ),
    top(
        "incident",
        "id of the incident; one that is not known yet begins that incident",
        "\"2023-01-it\"",
    ),
    TopKey {
        words: Kind::WORDS,
        ..top("kind", "word; without it `notice`", "\"correction\"")
    },
    TopKey {
        words: IncidentState::WORDS,
        ..top(
            "state",
            "word; without it `restricted`, later what it was",
            "\"restored\"",
        )
    },
    top("exercise", "flag: the whole incident is an exercise", "true"),
    top("title", "line: names a new incident", "\"Ausfall der IT\""),
    top(
        "parent",
        "another publisher's incident that this one is a part of",
        "\"provider/2023-10-sit\"",
    ),
    top(
        "headline",
        "line, required; in the publisher's first language",
        "\"Die IT ist abgeschaltet\"",
    ),
    top("summary", "text, required", "\"Bitte rufen Sie vor einem Besuch an.\""),
    top(
        "body",
        "text in Markdown",
        "\"Die Server sind **vorsorglich** vom Netz.\"",
    ),
    top(
        "short",
        "line for SMS and short posts; without it made from `summary`",
        "\"IT abgeschaltet. Telefon 115 geht.\"",
    ),
    top(
        "text",
        "a table for each further language, with `headline`, `summary`, `body`, `short`, `checked_by`",
        "{ en = { headline = \"IT is switched off\", summary = \"Please call first.\" } }",
    ),
    top(
        "scope",
        "`\"all\"`, or the ids of places and services",
        "{ places = [\"rathaus\"], services = [\"ausweise\"] }",
    ),
    top("at", "moment, or a vague one: when it happened", "2023-01-24"),
    top(
        "since",
        "moment, or a vague one: since when it holds",
        "{ words = \"seit Freitagmorgen\", from = 2021-10-15 }",
    ),
    top(
        "as_of",
        "moment; without it the time of publication",
        "2023-01-24T18:00:00",
    ),
    top(
        "next",
        "moment, or where and when: the promised next information",
        "{ at = \"10:00\", where = \"auf dieser Seite\" }",
    ),
    top("replaces", "numbers of notices that this one takes the place of", "[1]"),
    top(
        "takes_back",
        "numbers of notices that were true and are undone now",
        "[1]",
    ),
    top("corrects", "numbers of notices that were wrong", "[2]"),
    top("urgent", "flag: ahead of bulk", "true"),
    top(
        "cleared_with",
        "line: with whom it is agreed; stored, never published",
        "\"Krisenstab, 10:15\"",
    ),
    top("key", "line: the same key publishes once", "\"lage-1\""),
    top("after", "number of the last notice that the author saw", "3"),
];

impl Table {
    /// Every table, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Service,
        Self::Contact,
        Self::Place,
        Self::Assured,
        Self::Unaffected,
        Self::Finding,
        Self::Unknown,
        Self::Question,
        Self::Said,
        Self::Event,
    ];

    /// Its name in a notice file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Contact => "contact",
            Self::Place => "place",
            Self::Assured => "assured",
            Self::Unaffected => "unaffected",
            Self::Finding => "finding",
            Self::Unknown => "unknown",
            Self::Question => "question",
            Self::Said => "said",
            Self::Event => "event",
        }
    }

    /// The table of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// Its own fields.
    pub const fn fields(self) -> &'static [Field] {
        use Shape::{Exceptions, Flag, Line, Link, Mail, Phone, Text, TextOrTime, When, Word, Words};
        match self {
            Self::Service => &[
                ("name", Line),
                ("state", Word(ServiceState::WORDS)),
                ("ways", Words(Way::WORDS)),
                ("stops_at", Line),
                ("because", Text),
                ("do", Text),
                ("workaround_from", When),
                ("by", Text),
                ("deadline", TextOrTime),
                ("payment", Text),
            ],
            Self::Contact => &[
                ("name", Line),
                ("phone", Phone),
                ("fax", Phone),
                ("email", Mail),
                ("address", Text),
                ("url", Link),
                ("state", Word(ContactState::WORDS)),
                ("hours", Line),
                ("receives", Flag),
                ("sends", Flag),
                ("sender_sees", Text),
                ("afterwards", Text),
                ("note", Text),
                ("private", Flag),
            ],
            Self::Place => &[
                ("name", Line),
                ("address", Text),
                ("entrance", Line),
                ("state", Word(PlaceState::WORDS)),
                ("hours", Line),
                ("exceptions", Exceptions),
                ("pickup", Text),
                ("appointments", Word(Appointments::WORDS)),
                ("do", Text),
            ],
            Self::Assured | Self::Unaffected => &[("name", Line), ("text", Text)],
            Self::Finding => &[("text", Text), ("sure", Word(Sure::WORDS))],
            Self::Unknown => &[("text", Text)],
            Self::Question => &[("ask", Text), ("answer", Text)],
            Self::Said => &[("who", Line), ("function", Line), ("text", Text), ("link", Link)],
            Self::Event => &[("at", When), ("text", Text), ("kind", Word(EventKind::WORDS))],
        }
    }

    /// The shape of a field, own or common.
    pub fn field(self, name: &str) -> Option<Field> {
        self.fields().iter().chain(COMMON).find(|(n, _)| *n == name).copied()
    }

    /// Every key that may stand in the table.
    pub fn keys(self) -> Vec<&'static str> {
        let own = self.fields().iter().chain(COMMON).map(|(n, _)| *n);
        own.chain((!self.has_text()).then_some("text")).collect()
    }

    /// True where the fact has a field `text` of its own, so that `text` may be a string.
    pub fn has_text(self) -> bool {
        self.fields().iter().any(|(n, _)| *n == "text")
    }

    /// The fields that are words of a language.
    pub fn translatable(self) -> Vec<&'static str> {
        let words = |shape: &Shape| matches!(shape, Shape::Line | Shape::Text | Shape::TextOrTime);
        self.fields()
            .iter()
            .filter(|(_, s)| words(s))
            .map(|(n, _)| *n)
            .collect()
    }

    /// Fields of which a new fact needs at least one, so that there is something to show.
    pub const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Service | Self::Contact | Self::Place => &[],
            Self::Assured | Self::Unaffected => &["text", "name"],
            Self::Question => &["ask"],
            Self::Finding | Self::Unknown | Self::Said | Self::Event => &["text"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::facts;

    #[test]
    fn the_schema_names_the_fields_of_the_values() {
        let own = |table: Table| table.fields().iter().map(|(n, _)| *n).collect::<Vec<_>>();
        let values: [(Table, &[&str]); 10] = [
            (Table::Service, facts::Service::FIELDS),
            (Table::Contact, facts::Contact::FIELDS),
            (Table::Place, facts::Place::FIELDS),
            (Table::Assured, facts::Assured::FIELDS),
            (Table::Unaffected, facts::Assured::FIELDS),
            (Table::Finding, facts::Finding::FIELDS),
            (Table::Unknown, facts::Unknown::FIELDS),
            (Table::Question, facts::Question::FIELDS),
            (Table::Said, facts::Said::FIELDS),
            (Table::Event, facts::Event::FIELDS),
        ];
        for (table, fields) in values {
            let fields: Vec<_> = fields.iter().map(|f| f.trim_start_matches("r#")).collect();
            assert_eq!(own(table), fields, "{table:?}");
        }
    }
}
