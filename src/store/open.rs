//! Opening and creating the SQLite file: pragmas, migrations, the backup before a migration, refusal of what cannot be used.

use std::borrow::Cow;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqlSafeStr, SqliteConnection};

use super::StoreError;
use super::sqlite::Sqlite;
use super::turn::Turn;
use super::writer::Writer;
use crate::clock::SharedClock;

/// Every migration of every release, in order. None is ever changed after its release.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "store", include_str!("../../migrations/0001_store.sql")),
    (2, "mail", include_str!("../../migrations/0002_mail.sql")),
    (3, "gate", include_str!("../../migrations/0003_gate.sql")),
    (4, "failover", include_str!("../../migrations/0004_failover.sql")),
    (5, "digest", include_str!("../../migrations/0005_digest.sql")),
    (
        6,
        "hard reports",
        include_str!("../../migrations/0006_hard_reports.sql"),
    ),
    (7, "told", include_str!("../../migrations/0007_told.sql")),
    (8, "addresses", include_str!("../../migrations/0008_addresses.sql")),
    (9, "gone", include_str!("../../migrations/0009_gone.sql")),
    (10, "withdrawn", include_str!("../../migrations/0010_withdrawn.sql")),
    (11, "list", include_str!("../../migrations/0011_list.sql")),
    (12, "kept", include_str!("../../migrations/0012_kept.sql")),
    (13, "counted", include_str!("../../migrations/0013_counted.sql")),
];

/// Newest schema this build knows.
pub const SCHEMA: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// How long a process waits for another one's short transaction.
const BUSY: Duration = Duration::from_secs(5);
/// Who opens waits so long for one that opens, changes the schema or writes; looked for again after [`LOOK`].
const STANDS_STILL: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(1);
/// Pages of the log between checkpoints, 16 MB: a drain writes the same pages often.
pub(super) const CHECKPOINT_PAGES: u32 = 4_000;
/// Readers beside the writer; each holds a thread and a page cache of 2 MB.
const READERS: u32 = 3;

impl Sqlite {
    /// Opens the store, creates it (folder 0700, file 0600) or brings it up to this release's schema; an existing file is copied to
    /// `FILE.schema-N` first. `clock` gives the time of first sight.
    pub async fn open(path: &Path, clock: SharedClock) -> Result<Self, StoreError> {
        Self::open_with(path, clock, READERS).await
    }

    /// As [`Sqlite::open`], with one reader: for a command, which asks one thing after the other, and would wait for each further one.
    pub async fn open_for_one(path: &Path, clock: SharedClock) -> Result<Self, StoreError> {
        Self::open_with(path, clock, 1).await
    }

    async fn open_with(path: &Path, clock: SharedClock, readers: u32) -> Result<Self, StoreError> {
        prepare_files(path)?;
        let owner = Arc::default();
        let turn = Turn::of(path, Arc::clone(&owner));
        let (writer, task) = Writer::start(first(path.to_owned(), clock), turn).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(readers)
            // A file does not hang up.
            .test_before_acquire(false)
            .connect_with(
                options(path)
                    .create_if_missing(false)
                    .pragma("query_only", "1")
                    .pragma("cache_size", "-2000"),
            )
            .await?;
        Ok(Self {
            writer,
            readers,
            path: path.to_owned(),
            task: Arc::new(Mutex::new(Some(task))),
            bell: Arc::default(),
            owner,
        })
    }
}

/// The writer's connection, to a file whose schema is this release's.
async fn first(path: PathBuf, clock: SharedClock) -> Result<SqliteConnection, StoreError> {
    // Turning a new file into a WAL file waits for nobody in SQLite, and each migration is a transaction of its own: of those who
    // come at the same moment, one does it.
    let _turn = turn(&path).await;
    let mut connection = options(&path).connect().await?;
    migrate(&mut connection, &path, clock.now_ms()).await?;
    Ok(connection)
}

/// The pragmas of every connection.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: a commit is on the disk before it is answered.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY)
        .foreign_keys(false)
        .pragma("cache_size", "-16000")
        // What is redacted or erased is overwritten, not only unlinked.
        .pragma("secure_delete", "1")
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
        .pragma("journal_size_limit", "67108864")
        .statement_cache_capacity(256)
        .row_buffer_size(512)
        .disable_statement_logging()
}

/// The migrations as sqlx reads them.
fn migrator() -> Migrator {
    Migrator::with_migrations(
        MIGRATIONS
            .iter()
            .map(|(version, name, sql)| {
                Migration::new(
                    *version,
                    Cow::Borrowed(*name),
                    MigrationType::Simple,
                    (*sql).into_sql_str(),
                    false,
                )
            })
            .collect(),
    )
}

/// The folder is the owner's alone from the beginning; what exists keeps its rights.
fn prepare_files(path: &Path) -> Result<(), StoreError> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty())
        && !folder.exists()
    {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|e| StoreError::file(folder, &e))?;
    }
    if !path.exists() {
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|e| StoreError::file(path, &e))?;
        close_to_others(path)?;
    }
    Ok(())
}

/// The schema found: 0 for an empty file.
pub(super) async fn schema_of(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let table: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'")
            .fetch_one(&mut *connection)
            .await?;
    if table == 0 {
        return Ok(0);
    }
    // Primary key of sqlx's own table.
    let newest: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(connection)
        .await?;
    Ok(newest.unwrap_or(0))
}

/// Brings the schema up; keeps a copy of what was there.
pub(super) async fn migrate(connection: &mut SqliteConnection, path: &Path, now_ms: i64) -> Result<(), StoreError> {
    let mut found = schema_of(connection).await?;
    if (1..SCHEMA).contains(&found) {
        keep_copy(connection, path, found).await?;
    }
    if found < SCHEMA {
        let migrated = migrator().run_direct(None, connection, false).await;
        // Where the file system has no locks another process may have done the same: then the schema is there all the same.
        if let Err(error) = migrated
            && schema_of(connection).await? != SCHEMA
        {
            return Err(error.into());
        }
        found = SCHEMA;
    }
    if found > SCHEMA {
        return Err(StoreError::Newer { found, known: SCHEMA });
    }
    // One row. Asked first: writing would wait for whoever writes just now.
    let marked: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM meta)")
        .fetch_one(&mut *connection)
        .await?;
    if marked {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO meta (one, instance, installation, high_ms, audit_salt)
         VALUES (1, 1, lower(hex(randomblob(16))), ?, lower(hex(randomblob(16)))) ON CONFLICT DO NOTHING",
    )
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Waits until no other process opens the store or changes its schema; others wait until this is dropped. The lock is on the folder: no file is left behind.
/// Nothing where the file system has no locks, and after [`STANDS_STILL`]: a process that was stopped in the middle keeps nobody from looking.
async fn turn(path: &Path) -> Option<fs::File> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let file = fs::File::open(&folder).ok()?;
    let end = Instant::now() + STANDS_STILL;
    loop {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(fs::TryLockError::WouldBlock) if Instant::now() < end => tokio::time::sleep(LOOK).await,
            Err(_) => return None,
        }
    }
}

/// The copy that is made before a migration, once per schema.
async fn keep_copy(connection: &mut SqliteConnection, path: &Path, schema: i64) -> Result<(), StoreError> {
    let copy = beside(path, &format!(".schema-{schema}"));
    if copy.exists() {
        return Ok(());
    }
    let aside = vacuum_aside(connection, &copy).await?;
    put_in_place(&aside, &copy)
}

/// Writes the whole store to `FILE.part`, closed to others from its first byte; [`put_in_place`] makes it `FILE`. One that breaks off
/// is never taken for a copy.
pub(super) async fn vacuum_aside(connection: &mut SqliteConnection, file: &Path) -> Result<PathBuf, StoreError> {
    let aside = beside(file, ".part");
    // Made by us first: SQLite would make it readable for others, and takes an empty file.
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)
        .map_err(|error| StoreError::file(file, &error))?;
    sqlx::query("VACUUM INTO ?")
        .bind(aside.display().to_string())
        .execute(connection)
        .await?;
    Ok(aside)
}

/// On the disk first, then under its name.
pub(super) fn put_in_place(aside: &Path, file: &Path) -> Result<(), StoreError> {
    fs::File::open(aside)
        .and_then(|written| written.sync_all())
        .and_then(|()| fs::rename(aside, file))
        .map_err(|error| StoreError::file(file, &error))
}

/// `FILE` with something behind its name.
pub(super) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// 0600.
pub(super) fn close_to_others(path: &Path) -> Result<(), StoreError> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(|error| StoreError::file(path, &error))
}

/// Opens a file for work outside a running store (backup, restore).
pub(super) async fn connect(path: &Path) -> Result<SqliteConnection, StoreError> {
    Ok(SqliteConnection::connect_with(&options(path)).await?)
}
