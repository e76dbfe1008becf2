//! Two spellings that an older release took for two people: one of them stays.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::super::StoreError;
use super::super::spelling::{canonical, join, newest_of};
use super::super::sqlite::Sqlite;
use super::{CHUNK, IN, LEFT, Stay};
use crate::clock::Ms;

/// What came of it.
pub(super) struct Joined {
    pub(super) stay: Stay,
    /// So many were counted as in who are somebody else.
    pub(super) removed: u64,
}

/// Makes one of all that are one. There are such people only where addresses are compared otherwise since the last list.
pub(super) async fn join_all(store: &Sqlite, lane: i64, now: Ms) -> Result<Joined, StoreError> {
    let (twice, had) = {
        let mut reader = store.readers.acquire().await?;
        let twice = twice(&mut reader, lane).await?;
        let seqs: Vec<i64> = twice.iter().map(|(seq, ..)| *seq).collect();
        (twice, newest_of(&mut reader, lane, &seqs).await?)
    };
    let mut forms: BTreeMap<&str, Vec<(i64, i64)>> = BTreeMap::new();
    for (seq, form, state) in &twice {
        forms.entry(form).or_default().push((*seq, *state));
    }
    let mut joined = Joined {
        stay: Stay::new(),
        removed: 0,
    };
    let mut moves = Vec::new();
    for all in forms.into_values() {
        // The one stays that has got something: what a message does to an earlier one, in which thread it hangs, and who gets no digest of what they
        // have, all goes by that number. Of two that have, the one with the newest notice, because nobody may get that twice; else who is in, or was
        // first.
        let rank = |(seq, state): &(i64, i64)| (had.get(seq).copied(), *state != LEFT, std::cmp::Reverse(*seq));
        let Some((stays, _)) = all.iter().copied().max_by_key(rank) else {
            continue;
        };
        let is_in = all.iter().filter(|(_, state)| *state == IN).count();
        joined.removed += u64::try_from(is_in.saturating_sub(1)).unwrap_or_default();
        joined
            .stay
            .insert(stays, (is_in > 0, all.iter().any(|(_, state)| *state != LEFT)));
        moves.extend(
            all.iter()
                .filter(|(seq, _)| *seq != stays)
                .map(|(seq, _)| (*seq, stays)),
        );
    }
    for chunk in moves.chunks(CHUNK) {
        let rows = serde_json::to_string(chunk)?;
        let work = store
            .writer
            .write(move |c| Box::pin(async move { join(c, lane, &rows, now).await }));
        work.await?;
    }
    Ok(joined)
}

/// Who stands there in more than one spelling: number, the form in which it is compared, state; in the order of their numbers.
async fn twice(c: &mut SqliteConnection, lane: i64) -> Result<Vec<(i64, String, i64)>, StoreError> {
    // recipient_canonical (lane, canonical) groups without sorting; unique (lane, address); primary key for the states. Once after such a change.
    let rows = sqlx::query_as(concat!(
        "WITH form AS MATERIALIZED (
           SELECT canonical AS form FROM recipient WHERE lane = ?1 AND canonical IS NOT NULL AND state <> 3 GROUP BY canonical HAVING count(*) > 1
           UNION
           SELECT x.canonical FROM recipient x INDEXED BY recipient_canonical CROSS JOIN recipient y ON y.lane = ?1 AND y.address = x.canonical AND y.canonical IS NULL AND y.state <> 3
           WHERE x.lane = ?1 AND x.canonical IS NOT NULL AND x.state <> 3)
         SELECT r.seq, ",
        canonical!("r"),
        " AS form, r.state FROM recipient r WHERE r.lane = ?1 AND r.state <> 3 AND r.seq IN (
           SELECT x.seq FROM form f CROSS JOIN recipient x ON x.lane = ?1 AND x.canonical = f.form
           UNION ALL
           SELECT x.seq FROM form f CROSS JOIN recipient x ON x.lane = ?1 AND x.address = f.form AND x.canonical IS NULL)
         ORDER BY r.seq"
    ));
    Ok(rows.bind(lane).fetch_all(c).await?)
}
