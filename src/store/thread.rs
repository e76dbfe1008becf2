//! The thread of an incident on an account: its first and its newest post.

use std::collections::HashMap;

use serde::Deserialize;
use sqlx::SqliteConnection;

use super::{StoreError, Thread};
use crate::domain::outcome::Remote;

/// What hangs together so far on lanes and incidents (a JSON list of pairs), for [`read`]. Primary key (lane, incident).
macro_rules! threads {
    ($wanted:literal) => {
        concat!(
            "(SELECT json_group_array(json_array(t.lane, t.incident, t.root_id, t.root_url, t.parent_id, t.parent_url)) FROM json_each(",
            $wanted,
            ") j CROSS JOIN thread t ON t.lane = j.value ->> 0 AND t.incident = j.value ->> 1)"
        )
    };
}

pub(super) use threads;

/// By lane and incident.
pub(super) type Threads = HashMap<(i64, i64), Thread>;

/// A thread as it is read.
#[derive(Deserialize)]
struct Read(i64, i64, Option<String>, Option<String>, Option<String>, Option<String>);

/// What [`threads`] gave.
pub(super) fn read(rows: &str) -> Result<Threads, StoreError> {
    let rows: Vec<Read> = serde_json::from_str(rows)?;
    let thread = |Read(lane, incident, root_id, root_url, parent_id, parent_url)| {
        let root = Remote {
            id: root_id,
            url: root_url,
        };
        let parent = Remote {
            id: parent_id,
            url: parent_url,
        };
        ((lane, incident), Thread { root, parent })
    };
    Ok(rows.into_iter().map(thread).collect())
}

/// What hangs together there so far, of these lanes and incidents.
pub(super) async fn of(c: &mut SqliteConnection, wanted: &[(i64, i64)]) -> Result<Threads, StoreError> {
    if wanted.is_empty() {
        return Ok(Threads::new());
    }
    let rows: String = sqlx::query_scalar(concat!("SELECT ", threads!("?1")))
        .bind(serde_json::to_string(wanted)?)
        .fetch_one(c)
        .await?;
    read(&rows)
}

/// A new post: the first one stays the root, its newest the parent.
pub(super) async fn new_post(
    c: &mut SqliteConnection,
    lane: i64,
    incident: i64,
    notice: i64,
    broadcast: i64,
    remote: &Remote,
) -> Result<(), StoreError> {
    // Primary key (lane, incident).
    sqlx::query(
        "INSERT INTO thread (lane, incident, root_id, root_url, parent_id, parent_url, parent_seq) VALUES (?1, ?2, ?3, ?4, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET parent_id = excluded.parent_id, parent_url = excluded.parent_url, parent_seq = excluded.parent_seq
         WHERE excluded.parent_seq >= parent_seq",
    )
    .bind(lane)
    .bind(incident)
    .bind(&remote.id)
    .bind(&remote.url)
    .bind(notice)
    .execute(&mut *c)
    .await?;
    // Primary key.
    sqlx::query("UPDATE broadcast SET url = coalesce(?, url) WHERE id = ?")
        .bind(&remote.url)
        .bind(broadcast)
        .execute(c)
        .await?;
    Ok(())
}
