//! Between stored numbers and words and the values of the field, and the small statements that several files need.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::SqliteConnection;

use super::StoreError;
use crate::domain::delivery::CatchUp;
use crate::domain::words::Kind;
use crate::text::lang::Lang;
use crate::text::said::Said;

/// The stored number of a kind.
pub(super) fn kind_stored(kind: Kind) -> i64 {
    match kind {
        Kind::Notice => 0,
        Kind::Correction => 1,
        Kind::Retraction => 2,
    }
}

/// The kind of a stored number.
pub(super) fn kind_of(stored: i64) -> Option<Kind> {
    let kinds = [Kind::Notice, Kind::Correction, Kind::Retraction];
    kinds.into_iter().find(|kind| kind_stored(*kind) == stored)
}

/// The stored number of a rule for catching up.
pub(super) fn catch_up_stored(catch_up: CatchUp) -> i64 {
    match catch_up {
        CatchUp::Every => 0,
        CatchUp::Latest => 1,
        CatchUp::Digest => 2,
    }
}

/// A value of a closed list as its word.
pub(super) fn word<T: Serialize>(value: T) -> Result<String, StoreError> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(word) => Ok(word),
        other => Ok(other.to_string()),
    }
}

/// The value of a stored word; `None` where a newer release wrote a word unknown here.
pub(super) fn from_word<T: DeserializeOwned>(word: Option<String>) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(word?)).ok()
}

/// A sentence as stored: a list of its German and its English words, of one where they are the same.
pub(super) fn said_stored(said: &Said) -> Result<String, StoreError> {
    let languages = if said.de == said.en {
        vec![&said.de]
    } else {
        vec![&said.de, &said.en]
    };
    Ok(serde_json::to_string(&languages)?)
}

/// A stored sentence; nothing where nothing was said.
pub(super) fn said(stored: Option<String>) -> Option<Said> {
    let stored = stored.filter(|text| !text.is_empty())?;
    let mut languages: Vec<String> = serde_json::from_str(&stored).ok()?;
    let en = languages.pop()?;
    let de = languages.pop().unwrap_or_else(|| en.clone());
    Some(Said { de, en })
}

/// A language as stored.
pub(super) fn lang_word(lang: Lang) -> Result<String, StoreError> {
    word(lang)
}

/// A stored number outside its list: the file was changed by other hands.
pub(super) fn listed<T>(value: Option<T>, what: &str) -> Result<T, StoreError> {
    value.ok_or_else(|| StoreError::Database(format!("an unknown number is stored for {what}")))
}

/// A counter, never negative.
pub(super) fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// Broadcasts whose last row has ended become ended; those with rows again are alive again.
pub(super) async fn settle_lanes(c: &mut SqliteConnection, lanes: BTreeSet<i64>) -> Result<(), StoreError> {
    if lanes.is_empty() {
        return Ok(());
    }
    // broadcast_live (lane, …) WHERE state < 2.
    sqlx::query(
        "UPDATE broadcast SET state = 2 WHERE lane IN (SELECT value FROM json_each(?))
           AND state < 2 AND state = 1 AND n_waiting = 0 AND n_started = 0 AND n_accepted = 0 AND n_unknown = 0",
    )
    .bind(serde_json::to_string(&lanes)?)
    .execute(c)
    .await?;
    Ok(())
}

/// A broadcast that has something to do again.
pub(super) async fn revive(c: &mut SqliteConnection, broadcast: i64) -> Result<(), StoreError> {
    // Primary key.
    sqlx::query(
        "UPDATE broadcast SET state = 1 WHERE id = ? AND state >= 2 AND n_waiting + n_started + n_accepted + n_unknown > 0",
    )
    .bind(broadcast)
    .execute(c)
    .await?;
    Ok(())
}
