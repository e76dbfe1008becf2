//! Floor 6: why a command ends without having done what was asked, and the exit code of the contract.

use crate::domain::problem::Problem;
use crate::publication::PublishError;
use crate::render::compose::unit_in_words;
use crate::store::StoreError;
use crate::text::said::{Said, system};

/// Why a command ends without having done what was asked.
#[derive(Debug)]
pub enum Failure {
    /// Refused, does not fit, conflict: exit 1.
    Refused(Said),
    /// Usage or configuration: exit 2.
    Usage(Said),
    /// Faults of a notice: exit 1.
    Notice(Vec<Problem>),
    /// Faults of the configuration: exit 2.
    Configuration(Vec<Problem>),
}

impl Failure {
    /// The exit code of the contract.
    pub fn code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::Notice(_) => 1,
            Self::Usage(_) | Self::Configuration(_) => 2,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.said())
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Notice(problems) => Self::Notice(problems),
            PublishError::Audience(problems) => Self::Configuration(problems),
            PublishError::Store(error) => error.into(),
            PublishError::Render(error) => Self::Usage(crate::said!("Vorlage: {error}", "template: {error}")),
            PublishError::TooLong { channel, limit, unit } => {
                let (de, en) = (unit_in_words(&unit, true), unit_in_words(&unit, false));
                Self::Refused(crate::said!(
                    "{channel}: Diese Meldung passt nicht, auch nicht so kurz wie möglich: {limit} {de} sind erlaubt. Nichts wurde veröffentlicht. Bitte die Meldung kürzen (auch Überschrift und Namen), dem Kanal mehr erlauben (max_parts bei SMS) oder ohne ihn veröffentlichen (--channel mit den anderen).",
                    "{channel}: this notice does not fit, not even as short as possible: {limit} {en} are allowed. Nothing was published. Please shorten the notice (headline and names, too), allow the channel more (max_parts for SMS), or publish without it (--channel with the others)."
                ))
            }
            PublishError::NoChannel { name, known } => Self::Usage(crate::said!(
                "Einen Kanal {name} gibt es nicht. Eingerichtet sind: {known}.",
                "There is no channel {name}. Configured are: {known}."
            )),
        }
    }
}

impl From<crate::formats::SiteError> for Failure {
    fn from(error: crate::formats::SiteError) -> Self {
        let why = &error.0;
        Self::Refused(crate::said!("Die Seite lässt sich nicht bauen: {why}", "{error}"))
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Refused(crate::said!("{error:#}", "{error:#}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        let Said { de, en } = system(&error);
        Self::Refused(crate::said!("Ein- oder Ausgabe: {de}", "input or output: {en}"))
    }
}
