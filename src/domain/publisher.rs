//! Who speaks.

use serde::{Deserialize, Serialize};

use crate::text::lang::Lang;

/// The duties of the imprint (§ 5 DDG, § 18 MStV).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Imprint {
    /// Name.
    pub name: String,
    /// Address.
    pub address: String,
    /// Represented by.
    pub represented_by: String,
    /// Phone.
    pub phone: String,
    /// E-mail.
    pub email: String,
    /// Responsible for the content.
    pub responsible: String,
}

impl Imprint {
    /// True where every field is filled in.
    pub fn complete(&self) -> bool {
        [
            &self.name,
            &self.address,
            &self.represented_by,
            &self.phone,
            &self.email,
            &self.responsible,
        ]
        .iter()
        .all(|f| !f.trim().is_empty())
    }
}

/// A publisher as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// Id, `[a-z0-9_]+`.
    pub id: String,
    /// Name.
    pub name: String,
    /// Languages; never empty, the first is the one that must be written.
    pub languages: Vec<Lang>,
    /// IANA zone.
    pub timezone: jiff::tz::TimeZone,
    /// Land (`BB`).
    pub land: Option<String>,
    /// Amtlicher Regionalschlüssel, 12 digits.
    pub ars: Option<String>,
    /// Phone number to compare notices by.
    pub phone: Option<String>,
    /// Domains that may be dead.
    pub own_domains: Vec<String>,
    /// Parent publisher's id.
    pub parent: Option<String>,
    /// Addresses of official sites and accounts that point to the pages here.
    pub official: Vec<String>,
    /// Imprint.
    pub imprint: Option<Imprint>,
}

impl Publisher {
    /// The language every notice has.
    pub fn first_language(&self) -> Lang {
        self.languages.first().copied().unwrap_or(Lang::De)
    }
}
