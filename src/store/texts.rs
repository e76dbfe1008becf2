//! The frozen texts of broadcasts, and which of them a message begins with: its notice's own, a digest, or a corrected text as a first message.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sqlx::SqliteConnection;

use super::rows::from_word;
use super::{FrozenTexts, StoreError, Variant};
use crate::text::lang::Lang;

/// Its notice's own text; a number above is that of a cut, whose digest it is. As in `delivery.told`.
pub(super) const OWN: i64 = 0;
/// The words for whoever has not got what is corrected.
pub(super) const FIRST: i64 = -1;

type ByLanguage = BTreeMap<Lang, Arc<Variant>>;

/// The frozen texts of a broadcast.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    own: ByLanguage,
    /// By cut.
    digests: BTreeMap<i64, ByLanguage>,
}

impl Texts {
    /// The languages of its own texts.
    pub(super) fn languages(&self) -> impl Iterator<Item = Lang> + '_ {
        self.own.keys().copied()
    }

    /// The newest digest; [`OWN`] where there is none.
    pub(super) fn newest(&self) -> i64 {
        self.digests.keys().next_back().copied().unwrap_or(OWN)
    }

    /// A text for somebody: in their language, else in the first one there is. Of a digest that is gone (redacted) the notice alone.
    pub(super) fn pick(&self, told: i64, wanted: Option<Lang>) -> Option<(Lang, Arc<Variant>)> {
        let digest = self.digests.get(&told).and_then(|digest| in_language(digest, wanted));
        let (lang, text) = digest.or_else(|| in_language(&self.own, wanted))?;
        let text = match text.first.as_ref().filter(|_| told == FIRST) {
            Some(first) => Arc::new(Variant {
                text: first.clone(),
                ..Variant::clone(text)
            }),
            None => Arc::clone(text),
        };
        Some((lang, text))
    }

    /// As people outside of the store see them, with the newest digest.
    pub(super) fn shown(mut self) -> FrozenTexts {
        let digest = self.digests.pop_last().map(|(_, digest)| digest).unwrap_or_default();
        let owned = |(lang, text)| (lang, Arc::unwrap_or_clone(text));
        FrozenTexts {
            own: self.own.into_iter().map(owned).collect(),
            digest: digest.into_iter().map(owned).collect(),
        }
    }
}

fn in_language(texts: &ByLanguage, wanted: Option<Lang>) -> Option<(Lang, &Arc<Variant>)> {
    wanted
        .and_then(|lang| texts.get_key_value(&lang))
        .or_else(|| texts.iter().next())
        .map(|(lang, text)| (*lang, text))
}

/// The frozen texts of these broadcasts, for [`read`]. Primary keys (broadcast, lang) and (broadcast, cut, lang). All in one row: each is a way between
/// two threads.
macro_rules! frozen {
    ($broadcasts:literal) => {
        concat!(
            "(SELECT json_group_array(json_array(broadcast, cut, lang, body)) FROM (
               SELECT broadcast, 0 AS cut, lang, body FROM variant WHERE broadcast IN (SELECT value FROM json_each(",
            $broadcasts,
            ")) UNION ALL
               SELECT broadcast, cut, lang, body FROM digest WHERE broadcast IN (SELECT value FROM json_each(",
            $broadcasts,
            "))))"
        )
    };
}

pub(super) use frozen;

/// What [`frozen`] gave, by broadcast.
pub(super) fn read(rows: &str) -> Result<HashMap<i64, Texts>, StoreError> {
    let mut texts: HashMap<i64, Texts> = HashMap::new();
    let rows: Vec<(i64, i64, String, String)> = serde_json::from_str(rows)?;
    for (broadcast, cut, lang, body) in rows {
        if let Some(lang) = from_word(Some(lang)) {
            let of = texts.entry(broadcast).or_default();
            let of = if cut == OWN {
                &mut of.own
            } else {
                of.digests.entry(cut).or_default()
            };
            of.insert(lang, Arc::new(serde_json::from_str(&body)?));
        }
    }
    Ok(texts)
}

/// The frozen texts of these broadcasts.
pub(super) async fn texts(c: &mut SqliteConnection, broadcasts: &[i64]) -> Result<HashMap<i64, Texts>, StoreError> {
    if broadcasts.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: String = sqlx::query_scalar(concat!("SELECT ", frozen!("?1")))
        .bind(serde_json::to_string(broadcasts)?)
        .fetch_one(c)
        .await?;
    read(&rows)
}
