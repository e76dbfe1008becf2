//! The store of an older release.

use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};

/// Every migration, in order.
const MIGRATIONS: [&str; 13] = [
    include_str!("../../../migrations/0001_store.sql"),
    include_str!("../../../migrations/0002_mail.sql"),
    include_str!("../../../migrations/0003_gate.sql"),
    include_str!("../../../migrations/0004_failover.sql"),
    include_str!("../../../migrations/0005_digest.sql"),
    include_str!("../../../migrations/0006_hard_reports.sql"),
    include_str!("../../../migrations/0007_told.sql"),
    include_str!("../../../migrations/0008_addresses.sql"),
    include_str!("../../../migrations/0009_gone.sql"),
    include_str!("../../../migrations/0010_withdrawn.sql"),
    include_str!("../../../migrations/0011_list.sql"),
    include_str!("../../../migrations/0012_kept.sql"),
    include_str!("../../../migrations/0013_counted.sql"),
];

/// The same rows in a file as the first release with mail wrote it.
pub async fn back_to_schema_2(path: &std::path::Path) {
    back_to_schema(path, 2).await;
}

/// The same rows in a file as a release with so many migrations wrote it.
pub async fn back_to_schema(path: &std::path::Path, schema: usize) {
    let old = path.with_extension("old");
    let mut c = SqliteConnection::connect(&format!("sqlite:{}?mode=rwc", old.display()))
        .await
        .unwrap();
    for sql in &MIGRATIONS[..schema] {
        sqlx::raw_sql(*sql).execute(&mut c).await.unwrap();
    }
    let attach = format!("ATTACH '{}' AS new", path.display());
    sqlx::raw_sql(AssertSqlSafe(attach)).execute(&mut c).await.unwrap();
    let made: String = sqlx::query_scalar("SELECT sql FROM new.sqlite_master WHERE name = '_sqlx_migrations'")
        .fetch_one(&mut c)
        .await
        .unwrap();
    sqlx::raw_sql(AssertSqlSafe(made)).execute(&mut c).await.unwrap();
    // Deliveries before broadcasts, whose triggers count nothing twice then.
    let tables = sqlx::query(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name = 'broadcast'",
    )
    .fetch_all(&mut c)
    .await
    .unwrap();
    for table in tables {
        let table: String = table.get(0);
        let columns = format!("SELECT group_concat(name) FROM pragma_table_info('{table}')");
        let columns: String = sqlx::query_scalar(AssertSqlSafe(columns))
            .fetch_one(&mut c)
            .await
            .unwrap();
        let only = if table == "_sqlx_migrations" {
            format!("WHERE version <= {schema}")
        } else {
            String::new()
        };
        let copy = format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table} {only}");
        sqlx::raw_sql(AssertSqlSafe(copy)).execute(&mut c).await.unwrap();
    }
    c.close().await.unwrap();
    for ending in ["db-wal", "db-shm"] {
        std::fs::remove_file(path.with_extension(ending)).ok();
    }
    std::fs::rename(old, path).unwrap();
}
