//! What tests of notice files share: the publishers of the examples, and a store of incidents that is a list.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rundruf::domain::draft::{Context, KnownIncident, KnownKey, Resolved, read, resolve};
use rundruf::domain::problem::Problem;
use rundruf::domain::publisher::Publisher;
use rundruf::text::lang::Lang;

/// A file of the repository.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A publisher with German, plain German and English.
pub fn publisher(id: &str) -> Publisher {
    Publisher {
        id: id.to_owned(),
        name: format!("Beispiel {id}"),
        languages: vec![Lang::De, Lang::DeSimple, Lang::En],
        timezone: TimeZone::get("Europe/Berlin").unwrap(),
        land: None,
        ars: None,
        phone: Some("115".to_owned()),
        own_domains: Vec::new(),
        parent: None,
        official: Vec::new(),
        imprint: None,
    }
}

/// Publishers and what they have published.
pub struct Desk {
    pub publishers: Vec<Publisher>,
    pub incidents: Vec<KnownIncident>,
}

impl Desk {
    pub fn of(ids: &[&str]) -> Self {
        Self {
            publishers: ids.iter().map(|id| publisher(id)).collect(),
            incidents: Vec::new(),
        }
    }

    /// Reads and fills in, without keeping it.
    pub fn preview(&self, name: &str, bytes: &[u8], now: &str) -> Result<Resolved, Vec<Problem>> {
        let now: Timestamp = now.parse().unwrap();
        let context = Context {
            publishers: &self.publishers,
            incidents: &self.incidents,
            now,
        };
        resolve(&read(name, bytes)?, &context)
    }

    /// The same, and keeps it.
    pub fn publish(&mut self, name: &str, bytes: &[u8], now: &str) -> Result<Resolved, Vec<Problem>> {
        let resolved = self.preview(name, bytes, now)?;
        if resolved.existing.is_some() {
            return Ok(resolved);
        }
        let notice = &resolved.notice;
        let key = resolved.key.clone().unwrap_or_else(|| resolved.content_hash.clone());
        let key = KnownKey {
            number: notice.number,
            key,
        };
        let found = self
            .incidents
            .iter_mut()
            .find(|i| i.publisher == notice.publisher && i.slug == notice.incident);
        match found {
            Some(incident) => {
                incident.notices.push(notice.clone());
                incident.keys.push(key);
            }
            None => self.incidents.push(KnownIncident {
                publisher: notice.publisher.clone(),
                slug: notice.incident.clone(),
                closed: false,
                exercise: notice.exercise,
                notices: vec![notice.clone()],
                keys: vec![key],
            }),
        }
        Ok(resolved)
    }
}

/// Problems as a person reads them.
pub fn lines(problems: &[Problem]) -> String {
    problems.iter().map(|p| p.line_for(false) + "\n").collect()
}
