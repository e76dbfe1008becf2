//! From the database's errors to the store's, in the reader's words. What stops sending altogether (full, read-only, corrupt) is
//! [`StoreError::Broken`], with what to do.

use sqlx::migrate::MigrateError;

use super::StoreError;

/// The primary result code of SQLite, where it is one of its errors.
fn primary_code(error: &sqlx::Error) -> Option<i64> {
    let code: i64 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        // Codes: https://sqlite.org/rescode.html
        let broken = |why: &str| Self::Broken(why.to_owned());
        match primary_code(&error) {
            Some(13) => broken("the disk is full; free some space, sending goes on by itself"),
            Some(8) => broken("the file is read-only; give this user the right to write to it, then start again"),
            Some(11) => broken("the file is damaged; keep it, restore the newest backup into an empty folder"),
            Some(26) => broken("the file is no Rundruf store; name another one or restore a backup"),
            Some(10) => broken("the disk answers with an error; look at the system's log"),
            Some(14) => broken("the file cannot be opened; look at its folder and the rights to it"),
            _ => Self::Database(error.to_string()),
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(inner) => inner.into(),
            other => Self::Database(other.to_string()),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Database(format!("a stored value cannot be read: {error}"))
    }
}
