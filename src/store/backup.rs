//! Backup and restore. A backup is one SQLite file: the whole store, and in its table `carried` the key file. It is as secret as the two
//! together (mode 0600). What a restored store cannot know stands for settling or for a person (LANES 8).

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Serialize;
use sqlx::{Connection, SqliteConnection};

use super::marks::{concerned, corrected, had, lacks, passed};
use super::open::{beside, close_to_others, connect, migrate, put_in_place, vacuum_aside};
use super::rows::{count, said_stored};
use super::{Act, Refusal, Sqlite, StoreError, Trouble, audit};
use crate::clock::Ms;
use crate::said;

/// Where the key file lies in `carried`.
const KEY: &str = "key";

/// How far a restored store's numbers begin beyond the copy's: more than the old store can have given since. Handles and receipt
/// addresses are made of them, so that what the old store sent later is never taken for something the restored one sends.
const NOTICES_BEYOND: i64 = 1_000_000;
const DELIVERIES_BEYOND: i64 = 100_000_000;

/// What a restore asks of the configuration: lanes whose kind has a handle or can read back, so that their open rows settle themselves.
#[derive(Debug, Clone)]
pub struct Restore<'a> {
    /// Channel kinds with a handle or read-back.
    pub settling_kinds: &'a [&'a str],
    /// Kinds that stay open: websites are told apart by their instance number.
    pub open_kinds: &'a [&'a str],
    /// Where the key file belongs.
    pub key_file: &'a Path,
    /// Now.
    pub now_ms: Ms,
}

/// What a restore found in the copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The raised instance number.
    pub instance: i64,
    /// Per channel, where rows are not certain: settled first by handle or read-back, waiting for a person.
    pub lanes: Vec<RestoredLane>,
    /// The key file's content, where the backup carries one.
    #[serde(skip)]
    pub key: Option<Vec<u8>>,
}

/// One channel of a restored store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoredLane {
    /// Channel's name.
    pub name: String,
    /// Rows that settle themselves once the lane is released.
    pub settles: u64,
    /// Rows that stand as unknown for a person.
    pub asks: u64,
}

impl Sqlite {
    /// Writes a backup beside the running store; `key` is the key file's content. With `moved` this store refuses to send from before the
    /// copy begins, so that nothing is sent that the copy does not know; a store that has moved stays so. The file must not exist.
    pub async fn backup(&self, to: &Path, key: Option<&[u8]>, moved: bool, act: &Act) -> Result<(), StoreError> {
        if to.exists() {
            return Err(StoreError::Refused(Refusal::Exists(to.to_owned())));
        }
        let act = act.clone();
        let moved_now = self
            .writer
            .write(move |c| {
                Box::pin(async move {
                    audit::append(c, &act).await?;
                    Ok(moved && set_moved(c, true).await?)
                })
            })
            .await?;
        let copied = self.copy(to, key).await;
        if copied.is_err() && moved_now {
            // No copy, no move.
            self.writer.write(|c| Box::pin(set_moved(c, false))).await?;
        }
        copied
    }

    async fn copy(&self, to: &Path, key: Option<&[u8]>) -> Result<(), StoreError> {
        let mut reader = connect(&self.path).await?;
        let aside = vacuum_aside(&mut reader, to).await?;
        reader.close().await?;
        let done = finish(&aside, key).await.and_then(|()| put_in_place(&aside, to));
        if done.is_err() {
            let _ = fs::remove_file(&aside);
        }
        done
    }
}

/// What a copy has beside the store's content.
async fn finish(copy: &Path, key: Option<&[u8]>) -> Result<(), StoreError> {
    let mut c = connect(copy).await?;
    set_moved(&mut c, false).await?;
    if let Some(key) = key {
        // Primary key (name).
        sqlx::query("INSERT OR REPLACE INTO carried (name, content) VALUES (?, ?)")
            .bind(KEY)
            .bind(key)
            .execute(&mut c)
            .await?;
    }
    one_file(c).await
}

/// Marks a store as moved (it refuses to send) or not. True where that changed something.
async fn set_moved(c: &mut SqliteConnection, moved: bool) -> Result<bool, StoreError> {
    // One row.
    let done = sqlx::query("UPDATE meta SET moved = ?1 WHERE one = 1 AND moved <> ?1")
        .bind(moved)
        .execute(c)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Without a journal beside it, a backup can be carried away as one file.
async fn one_file(mut c: SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("PRAGMA journal_mode = DELETE").execute(&mut c).await?;
    c.close().await?;
    Ok(())
}

/// Puts a backup in the place of a store that does not exist yet. Every lane but those of `open_kinds` starts held.
pub async fn restore(from: &Path, store: &Path, how: &Restore<'_>) -> Result<Restored, StoreError> {
    if fs::metadata(store).is_ok_and(|m| m.len() > 0) {
        return Err(StoreError::Refused(Refusal::StoreExists(store.to_owned())));
    }
    // SQLite would play the journal of the store that lay here into the restored one.
    for journal in ["-wal", "-shm"].map(|ending| beside(store, ending)) {
        if journal.exists() {
            return Err(StoreError::Refused(Refusal::Journal(journal)));
        }
    }
    // First: where nothing can be restored, nothing is made.
    let mut source = fs::File::open(from).map_err(|error| StoreError::file(from, &error))?;
    if let Some(folder) = store.parent().filter(|f| !f.as_os_str().is_empty()) {
        super::owner::prepare_data(folder)?;
    }
    // Prepared aside and put in place in one step: a restore that breaks off leaves nothing that looks like a store.
    let aside = beside(store, ".restoring");
    copy_file(&mut source, &aside)?;
    let done = match prepare_restored(&aside, how).await {
        // The key first: a store in its place without it would be given a fresh one, and nobody would recognise what was sent.
        Ok(restored) => put_key(restored.key.as_deref(), how.key_file).map(|()| restored),
        Err(StoreError::Broken(Trouble::NoStore)) => Err(StoreError::Refused(Refusal::NoBackup(from.to_owned()))),
        Err(error) => Err(error),
    };
    if done.is_ok() {
        put_in_place(&aside, store)?;
    } else {
        let _ = fs::remove_file(&aside);
    }
    done
}

/// Writes the backup's key where there is none; another one that is there stays, and the restore does not happen.
fn put_key(key: Option<&[u8]>, file: &Path) -> Result<(), StoreError> {
    let Some(key) = key else { return Ok(()) };
    crate::secret::write_key(file, key).map_err(|error| StoreError::file(file, &error))?;
    let there = fs::read(file).map_err(|error| StoreError::file(file, &error))?;
    if there == key {
        return Ok(());
    }
    Err(StoreError::Refused(Refusal::OtherKey(file.to_owned())))
}

fn copy_file(source: &mut fs::File, to: &Path) -> Result<(), StoreError> {
    let mut copy = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(to)
        .map_err(|error| StoreError::file(to, &error))?;
    std::io::copy(source, &mut copy)
        .and_then(|_| copy.flush())
        .and_then(|()| copy.sync_all())
        .map_err(|error| StoreError::file(to, &error))?;
    close_to_others(to)
}

async fn prepare_restored(path: &Path, how: &Restore<'_>) -> Result<Restored, StoreError> {
    let mut c = connect(path).await?;
    if super::open::schema_of(&mut c).await? == 0 {
        return Err(StoreError::Broken(Trouble::NoStore));
    }
    migrate(&mut c, path, how.now_ms).await?;
    let mut transaction = c.begin().await?;
    let restored = mark(&mut transaction, how).await?;
    transaction.commit().await?;
    one_file(c).await?;
    Ok(restored)
}

async fn mark(c: &mut SqliteConnection, how: &Restore<'_>) -> Result<Restored, StoreError> {
    // One row.
    let instance: i64 = sqlx::query_scalar(
        "UPDATE meta SET instance = instance + 1, moved = 0, restored_ms = ? WHERE one = 1 RETURNING instance",
    )
    .bind(how.now_ms)
    .fetch_one(&mut *c)
    .await?;
    // Primary key (name).
    let key = sqlx::query_scalar("SELECT content FROM carried WHERE name = ?")
        .bind(KEY)
        .fetch_optional(&mut *c)
        .await?;
    sqlx::query("DELETE FROM carried").execute(&mut *c).await?;
    // A few dozen rows.
    sqlx::query(
        "UPDATE lane SET gate = 1, gate_reason = ?, gate_by = 'restore', gate_cause = 4, gate_since = ?, epoch = epoch + 1,
           ramp = NULL, results = '', probe = NULL
         WHERE kind NOT IN (SELECT value FROM json_each(?))",
    )
    .bind(said_stored(&said!(
        "aus einer Sicherung zurückgeholt",
        "restored from a backup"
    ))?)
    .bind(how.now_ms)
    .bind(serde_json::to_string(how.open_kinds)?)
    .execute(&mut *c)
    .await?;
    let act = Act {
        at_ms: how.now_ms,
        actor: "restore".to_owned(),
        action: "hold".to_owned(),
        object: "store".to_owned(),
        details: serde_json::json!({ "instance": instance, "open": how.open_kinds }),
    };
    audit::append(c, &act).await?;
    // Every target is served again by the new instance.
    sqlx::query("UPDATE target SET wanted = wanted + 1, due = 0, failures = 0 WHERE active = 1")
        .execute(&mut *c)
        .await?;
    sqlx::query("UPDATE lane SET generation = generation + 1")
        .execute(&mut *c)
        .await?;
    begin_beyond(c).await?;
    open_everything(c, how.now_ms).await?;
    let lanes: Vec<(i64, String, String)> = sqlx::query_as("SELECT id, name, kind FROM lane ORDER BY name")
        .fetch_all(&mut *c)
        .await?;
    let mut restored = Restored {
        instance,
        lanes: Vec::new(),
        key,
    };
    for (lane, name, kind) in lanes {
        let settles = how.settling_kinds.contains(&kind.as_str());
        let (settles, asks) = uncertain(c, lane, settles, how.now_ms).await?;
        if settles + asks > 0 {
            restored.lanes.push(RestoredLane { name, settles, asks });
        }
    }
    Ok(restored)
}

/// New numbers from here on.
async fn begin_beyond(c: &mut SqliteConnection) -> Result<(), StoreError> {
    for (table, beyond) in [("notice", NOTICES_BEYOND), ("delivery", DELIVERIES_BEYOND)] {
        // SQLite's own table, a row per table that has ever had one.
        let done = sqlx::query("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ?")
            .bind(beyond)
            .bind(table)
            .execute(&mut *c)
            .await?;
        if done.rows_affected() == 0 {
            sqlx::query("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)")
                .bind(table)
                .bind(beyond)
                .execute(&mut *c)
                .await?;
        }
    }
    Ok(())
}

/// What the old store may have opened after the backup has to be a row, so that it can be uncertain.
async fn open_everything(c: &mut SqliteConnection, now: Ms) -> Result<(), StoreError> {
    // broadcast_live, all lanes; primary key (lane, seq) of recipient.
    sqlx::query(concat!(
        "INSERT INTO delivery (broadcast, recipient, state, attempt, due, changed, first_started, operation, flags, step)
         SELECT b.id, r.seq, 0, 0, ?1, ?1, ?1, b.operation, 0, 0 FROM broadcast b CROSS JOIN recipient r ON r.lane = b.lane
         WHERE b.state < 2 AND b.state = 0 AND r.seq > b.cursor AND r.state = 0 AND (b.upto IS NULL OR r.seq <= b.upto)
           AND NOT (b.catch_up = 2 AND ",
        passed!("r.seq"),
        ") AND (NOT b.overtaken AND (",
        concerned!("b.scope"),
        " OR ",
        lacks!("r.seq"),
        ") OR EXISTS (SELECT 1 FROM ",
        corrected!("b.corrects", "r.seq"),
        " WHERE ",
        had!(),
        "))
         ON CONFLICT (broadcast, recipient) DO NOTHING"
    ))
    .bind(now)
    .execute(&mut *c)
    .await?;
    // broadcast_live, all lanes.
    sqlx::query(
        "UPDATE broadcast SET state = 1, expected = opened, cursor = coalesce(upto, (SELECT max(seq) FROM recipient r WHERE r.lane = broadcast.lane), 0)
         WHERE state < 2 AND state = 0",
    )
    .execute(c)
    .await?;
    Ok(())
}

/// Rows waiting, started or unknown in the copy may have gone out since. Where the lane settles them by itself they wait again, marked 1: the
/// handle's term runs from when they were made and not from the restore. What a newer notice has passed stands as unknown there too: it must
/// not start after that. `FROM_COPY` is for what had not started: the old store may have started it, which passes nothing here. It counts as
/// tried once, so that a receipt of the old store's first attempt still finds it. Returns how many wait and how many stand.
async fn uncertain(c: &mut SqliteConnection, lane: i64, settles: bool, now: Ms) -> Result<(u64, u64), StoreError> {
    // broadcast_live (lane, …); delivery_of (broadcast, …); see `passed`. Websites are levels: they upload again and need no mark.
    let passed: Vec<i64> = sqlx::query_scalar(concat!(
        "SELECT d.id FROM broadcast b CROSS JOIN delivery d ON d.broadcast = b.id AND d.state IN (1, 4)
         WHERE b.lane = ? AND b.state < 2 AND b.shape < 2 AND ",
        passed!()
    ))
    .bind(lane)
    .fetch_all(&mut *c)
    .await?;
    // broadcast_live (lane, …); delivery_of (broadcast, …).
    sqlx::query(
        "UPDATE delivery SET state = CASE WHEN ?1 AND id NOT IN (SELECT value FROM json_each(?4)) THEN 0 ELSE 4 END,
           due = CASE WHEN ?1 AND id NOT IN (SELECT value FROM json_each(?4)) THEN ?2 ELSE 0 END, changed = ?2,
           flags = ((flags | 1) & ~8) | CASE WHEN state = 0 AND attempt = 0 AND flags & 16 = 0 THEN 2 ELSE 0 END,
           told = CASE WHEN state = 0 AND attempt = 0 AND flags & 16 = 0
             THEN coalesce((SELECT max(cut) FROM digest k WHERE k.broadcast = delivery.broadcast), 0) ELSE told END,
           attempt = max(attempt, 1), reason = 'takeover'
         WHERE state IN (0, 1, 4) AND broadcast IN (SELECT id FROM broadcast WHERE lane = ?3 AND state < 2 AND shape < 2)",
    )
    .bind(settles)
    .bind(now)
    .bind(lane)
    .bind(serde_json::to_string(&passed)?)
    .execute(&mut *c)
    .await?;
    // broadcast_live (lane, …).
    sqlx::query("UPDATE broadcast SET from_backup = ? WHERE lane = ? AND state < 2 AND shape < 2")
        .bind(now)
        .bind(lane)
        .execute(&mut *c)
        .await?;
    super::rows::settle_lanes(c, [lane].into()).await?;
    // broadcast_live (lane, …): whatever waits or stands there was marked.
    let (waits, stands): (i64, i64) = sqlx::query_as(
        "SELECT coalesce(sum(n_waiting), 0), coalesce(sum(n_unknown), 0) FROM broadcast WHERE lane = ? AND state < 2 AND shape < 2",
    )
    .bind(lane)
    .fetch_one(c)
    .await?;
    Ok((count(waits), count(stands)))
}
