//! The thread of an incident on an account: its first and its newest post.

use sqlx::SqliteConnection;

use super::{StoreError, Thread};
use crate::domain::outcome::Remote;

/// What hangs together there so far.
pub(super) async fn of(c: &mut SqliteConnection, lane: i64, incident: i64) -> Result<Option<Thread>, StoreError> {
    type Ids = (Option<String>, Option<String>, Option<String>, Option<String>);
    // Primary key (lane, incident).
    let ids: Option<Ids> =
        sqlx::query_as("SELECT root_id, root_url, parent_id, parent_url FROM thread WHERE lane = ? AND incident = ?")
            .bind(lane)
            .bind(incident)
            .fetch_optional(c)
            .await?;
    Ok(ids.map(|(root_id, root_url, parent_id, parent_url)| Thread {
        root: Remote {
            id: root_id,
            url: root_url,
        },
        parent: Remote {
            id: parent_id,
            url: parent_url,
        },
    }))
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
