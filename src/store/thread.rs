//! The thread of an incident on an account: its first and its newest post.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection};

use super::{StoreError, Thread};
use crate::domain::outcome::Remote;

/// What hangs together there so far, of these lanes and incidents.
pub(super) async fn of(
    c: &mut SqliteConnection,
    wanted: &[(i64, i64)],
) -> Result<HashMap<(i64, i64), Thread>, StoreError> {
    let mut threads = HashMap::new();
    if wanted.is_empty() {
        return Ok(threads);
    }
    // Primary key (lane, incident).
    let rows = sqlx::query(
        "SELECT t.lane, t.incident, t.root_id, t.root_url, t.parent_id, t.parent_url
         FROM json_each(?) j CROSS JOIN thread t ON t.lane = j.value ->> 0 AND t.incident = j.value ->> 1",
    )
    .bind(serde_json::to_string(wanted)?)
    .fetch_all(c)
    .await?;
    for row in &rows {
        let thread = Thread {
            root: Remote {
                id: row.try_get("root_id")?,
                url: row.try_get("root_url")?,
            },
            parent: Remote {
                id: row.try_get("parent_id")?,
                url: row.try_get("parent_url")?,
            },
        };
        threads.insert((row.try_get("lane")?, row.try_get("incident")?), thread);
    }
    Ok(threads)
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
