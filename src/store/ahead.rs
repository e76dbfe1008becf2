//! The log beside the file (SQLite's `-wal`), made as long as it gets before anybody waits for it. A commit that makes a file longer waits
//! for the file system's own journal as well: more than twice as long as one that writes over what is there.

use sqlx::Connection;

use super::disk::{Disk, PLENTY};
use super::open::{CHECKPOINT_PAGES, connect};
use super::{Sqlite, StoreError};

/// Bytes of a page (SQLite's default, which no release ever changed here).
const PAGE: i64 = 4096;

impl Sqlite {
    /// Makes the log as long as it gets between two checkpoints. Nothing where the disk is not roomy. Call it once, before the lanes start.
    pub async fn lengthen_log(&self) -> Result<(), StoreError> {
        let folder = self.path().parent().unwrap_or(self.path());
        if Disk::free(folder).is_ok_and(|free| free < PLENTY) {
            return Ok(());
        }
        let mut connection = connect(self.path()).await?;
        // What does not fit into a small cache is written to the log before the transaction ends, and stays there when it is undone:
        // as bytes that nobody reads.
        sqlx::query("PRAGMA cache_size = 16").execute(&mut connection).await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT INTO carried (name, content) VALUES ('', zeroblob(?))")
            .bind(i64::from(CHECKPOINT_PAGES) * PAGE)
            .execute(&mut *transaction)
            .await?;
        transaction.rollback().await?;
        connection.close().await?;
        let log = super::open::beside(self.path(), "-wal");
        // Now, not at the first commit.
        let synced = tokio::task::spawn_blocking(move || std::fs::File::open(&log)?.sync_all()).await;
        match synced {
            Ok(Err(error)) => Err(StoreError::file(self.path(), &error)),
            // A panic or the end of the runtime: nothing depends on it.
            _ => Ok(()),
        }
    }
}
