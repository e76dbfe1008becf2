//! Why the store refuses or fails, in the reader's words, and how the database's own errors become that. Texts carry no data of
//! recipients and no secret.

use std::path::{Path, PathBuf};

use sqlx::migrate::MigrateError;

use crate::said;
use crate::text::said::{Said, system};

/// Why the store refuses or fails.
#[derive(Debug, Clone)]
pub enum StoreError {
    /// What was assumed has changed: read again.
    Conflict(Conflict),
    /// There is no such row.
    NotFound(Missing),
    /// A rule of the store refuses it.
    Refused(Refusal),
    /// The schema is of a newer release.
    Newer {
        /// Schema found.
        found: i64,
        /// Newest schema this build knows.
        known: i64,
    },
    /// Disk full, read-only, corrupt: sending stops, pages stay up.
    Broken(Trouble),
    /// A file or folder beside the store cannot be used.
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        why: Said,
    },
    /// Anything else of the database.
    Database(String),
}

/// What has changed since somebody looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// Somebody published in between: the notice would not be the next one.
    NotNext {
        /// `publisher/incident`.
        incident: String,
        /// Its newest notice.
        newest: i64,
    },
    /// `after` names a notice that is not there.
    NoSuchAfter {
        /// `publisher/incident`.
        incident: String,
        /// The number named.
        after: u32,
        /// The newest there is.
        newest: i64,
    },
    /// A lane's gate was changed by somebody else, or by itself.
    Gate {
        /// Its channel.
        channel: String,
    },
    /// What waits is not what the digest was written from.
    Waiting,
    /// A list of recipients was written while it was read: its file.
    List(String),
}

/// What is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// A lane's row.
    Lane(i64),
    /// A channel of this name.
    Channel(String),
    /// An incident's row.
    Incident(i64),
    /// A notice's row.
    Notice(i64),
    /// A publisher of this id.
    Publisher(String),
}

/// Which rule refuses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// This store was carried to another machine.
    Moved,
    /// The incident is closed.
    Closed {
        /// `publisher/incident`.
        incident: String,
    },
    /// Nothing is unknown, refused or waiting there.
    NothingToDecide,
    /// A newer notice has passed it or taken its place, or its time is over: it is not sent again.
    Passed,
    /// The new name of a channel has messages of its own.
    NameUsed(String),
    /// A channel that is to be dropped is still configured.
    StillConfigured(String),
    /// A backup is written to a new file.
    Exists(PathBuf),
    /// A backup is restored where no store is.
    StoreExists(PathBuf),
    /// The journal of a store that lay there before.
    Journal(PathBuf),
    /// Another key than the backup's lies there.
    OtherKey(PathBuf),
    /// Not a backup.
    NoBackup(PathBuf),
    /// DATA belongs to another user of the system.
    OtherUser {
        /// The folder.
        data: PathBuf,
        /// Whose it is.
        theirs: u32,
        /// Who asks.
        mine: u32,
    },
}

/// What keeps the store from writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Disk full.
    Full,
    /// File or disk read-only.
    ReadOnly,
    /// The file is corrupt.
    Damaged,
    /// The file is something else.
    NoStore,
    /// Errors of the disk.
    Disk,
    /// The file cannot be opened.
    CannotOpen,
    /// Another process has been writing for longer than anybody waits.
    Busy,
    /// A commit failed as a whole; its callers try again.
    NotTaken,
    /// The writing task has ended.
    Stopped,
}

impl StoreError {
    /// A file or folder beside the store cannot be used.
    pub fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            why: system(error),
        }
    }

    /// For people: what is wrong, what to do.
    pub fn said(&self) -> Said {
        match self {
            Self::Conflict(conflict) => conflict.said(),
            Self::NotFound(missing) => missing.said(),
            Self::Refused(refusal) => refusal.said(),
            Self::Newer { found, known } => said!(
                "Diesen Speicher hat ein neueres Rundruf geschrieben (Schema {found}, dieses liest bis {known}). Bitte das neuere verwenden oder eine Sicherung zurückholen.",
                "This store was written by a newer Rundruf (schema {found}, this one reads up to {known}). Use that release, or restore a backup."
            ),
            Self::Broken(trouble) => {
                let Said { de, en } = trouble.said();
                said!(
                    "Der Speicher ist gerade nicht zu gebrauchen: {de}",
                    "The store cannot be used now: {en}"
                )
            }
            Self::File {
                path,
                why: Said { de, en },
            } => {
                let path = path.display();
                said!(
                    "{path} lässt sich nicht verwenden: {de}. Bitte Namen und Rechte prüfen.",
                    "{path} cannot be used: {en}. Check its name and the rights to it."
                )
            }
            Self::Database(why) => said!(
                "Der Speicher antwortet mit einem Fehler: {why}. Nichts ging verloren, was als veröffentlicht gemeldet war.",
                "The store failed: {why}. Nothing is lost that was reported as published."
            ),
        }
    }
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.said().fmt(f)
    }
}

impl std::error::Error for StoreError {}

impl Conflict {
    fn said(&self) -> Said {
        match self {
            Self::NotNext { incident, newest } => said!(
                "In {incident} ist inzwischen Meldung {newest} erschienen. Bitte ansehen (rundruf incident show {incident}), dann noch einmal veröffentlichen.",
                "Notice {newest} of {incident} was published in between. Look at it (rundruf incident show {incident}), then publish again."
            ),
            Self::NoSuchAfter {
                incident,
                after,
                newest,
            } => said!(
                "{incident} hat keine Meldung {after}; die neueste ist {newest}. Bitte bei --after die Nummer nennen, die Sie zuletzt gesehen haben (rundruf incident show {incident}).",
                "{incident} has no notice {after}; its newest is {newest}. Name the last one you have seen at --after (rundruf incident show {incident})."
            ),
            Self::Gate { channel } => said!(
                "{channel} wurde inzwischen von jemand anderem oder von selbst angehalten oder freigegeben. Bitte erst ansehen: rundruf channel list",
                "{channel} was held or released meanwhile, by somebody else or by itself. Look first: rundruf channel list"
            ),
            Self::Waiting => said!(
                "Es warten inzwischen andere Meldungen, als zusammengefasst werden sollten. Bitte noch einmal.",
                "Other notices wait by now than were to be summed up. Please try again."
            ),
            Self::List(file) => said!("{file} wird gerade geschrieben.", "{file} is being written just now."),
        }
    }
}

impl Missing {
    fn said(&self) -> Said {
        match self {
            Self::Lane(row) => said!(
                "Einen Kanal mit der Nummer {row} gibt es nicht.",
                "There is no channel with the number {row}."
            ),
            Self::Channel(name) => said!(
                "Einen Kanal {name} gibt es nicht. Die Kanäle zeigt: rundruf channel list",
                "There is no channel {name}. See them with: rundruf channel list"
            ),
            Self::Incident(row) => said!("Einen Vorfall {row} gibt es nicht.", "There is no incident {row}."),
            Self::Notice(row) => said!("Eine Meldung {row} gibt es nicht.", "There is no notice {row}."),
            Self::Publisher(id) => said!(
                "Einen Herausgeber {id} gibt es in der Konfiguration nicht.",
                "There is no publisher {id} in the configuration."
            ),
        }
    }
}

impl Refusal {
    fn said(&self) -> Said {
        match self {
            Self::Moved => said!(
                "Dieser Speicher ist auf eine andere Maschine umgezogen (backup --move) und sendet nicht mehr. Veröffentlichen Sie dort, nach rundruf restore.",
                "This store has moved to another machine (backup --move) and sends no more. Publish there, after rundruf restore."
            ),
            Self::Closed { incident } => said!(
                "{incident} ist geschlossen. Erst wieder öffnen: rundruf incident reopen {incident}",
                "{incident} is closed. Open it again first: rundruf incident reopen {incident}"
            ),
            Self::NothingToDecide => said!(
                "Dort ist nichts zu entscheiden. Was offen ist, zeigt: rundruf status",
                "Nothing is to be decided there. See what is open with: rundruf status"
            ),
            Self::Passed => said!(
                "Das geht nicht noch einmal hinaus: Eine neuere Meldung hat es überholt oder ersetzt, oder seine Zeit ist um. Möglich sind there und drop.",
                "It does not go out again: a newer notice has passed it or taken its place, or its time is over. There is left: there, and drop."
            ),
            Self::NameUsed(name) => said!(
                "{name} hat schon eigene Sendungen. Bitte einen Namen nehmen, über den noch nichts ging.",
                "{name} has messages of its own. Take a name that was never used."
            ),
            Self::StillConfigured(name) => said!(
                "{name} steht noch in der Konfiguration. Erst dort entfernen, dann noch einmal.",
                "{name} is still configured. Take it out of the configuration first."
            ),
            Self::Journal(path) => {
                let path = path.display();
                said!(
                    "{path} gehört zu einem Speicher, der früher hier lag. Bitte dazulegen, dann noch einmal zurückholen; nichts wurde geändert.",
                    "{path} belongs to a store that lay here before. Move it to that store, then restore again; nothing was changed."
                )
            }
            Self::OtherKey(path) => {
                let path = path.display();
                said!(
                    "In {path} liegt ein anderer Schlüssel als in der Sicherung. Bitte wegräumen und noch einmal zurückholen; nichts wurde geändert.",
                    "The key in {path} is not the one of the backup. Move it away and restore again; nothing was changed."
                )
            }
            Self::Exists(path) => {
                let path = path.display();
                said!(
                    "{path} gibt es schon. Bitte eine andere Datei nennen.",
                    "{path} exists already. Name another file."
                )
            }
            Self::StoreExists(path) => {
                let path = path.display();
                said!(
                    "In {path} liegt schon ein Speicher. Bitte mit --data einen leeren Ordner nennen, oder ihn erst wegräumen.",
                    "There is a store at {path} already. Name an empty folder with --data, or move it away first."
                )
            }
            Self::NoBackup(path) => {
                let path = path.display();
                said!(
                    "{path} ist keine Sicherung von Rundruf. Sicherungen schreibt: rundruf backup DATEI",
                    "{path} is no backup of Rundruf. Backups are written by: rundruf backup FILE"
                )
            }
            Self::OtherUser { data, theirs, mine } => {
                let data = data.display();
                said!(
                    "{data} gehört dem Benutzer {theirs}, dieser Befehl läuft als Benutzer {mine}. Bitte als derselbe Benutzer wie rundruf serve ausführen (sudo -u '#{theirs}' rundruf …).",
                    "{data} belongs to user {theirs}, this command runs as user {mine}. Run it as the user who runs rundruf serve (sudo -u '#{theirs}' rundruf …)."
                )
            }
        }
    }
}

impl Trouble {
    fn said(self) -> Said {
        match self {
            Self::Full => said!(
                "Der Datenträger ist voll. Bitte Platz schaffen; das Senden geht dann von selbst weiter.",
                "The disk is full. Free some space; sending then goes on by itself."
            ),
            Self::ReadOnly => said!(
                "Die Datei ist schreibgeschützt. Bitte diesem Benutzer das Schreiben erlauben und neu starten.",
                "The file is read-only. Give this user the right to write to it, then start again."
            ),
            Self::Damaged => said!(
                "Die Datei ist beschädigt. Bitte aufheben und die neueste Sicherung in einen leeren Ordner zurückholen.",
                "The file is damaged. Keep it, and restore the newest backup into an empty folder."
            ),
            Self::NoStore => said!(
                "Die Datei ist kein Speicher von Rundruf. Bitte eine andere nennen oder eine Sicherung zurückholen.",
                "The file is no Rundruf store. Name another one or restore a backup."
            ),
            Self::Disk => said!(
                "Der Datenträger meldet einen Fehler. Bitte ins Systemprotokoll sehen.",
                "The disk answers with an error. Look at the system's log."
            ),
            Self::CannotOpen => said!(
                "Die Datei lässt sich nicht öffnen. Bitte Ordner und Rechte prüfen.",
                "The file cannot be opened. Look at its folder and the rights to it."
            ),
            Self::Busy => said!(
                "Ein anderer Vorgang schreibt seit mehr als 5 Sekunden. Bitte noch einmal. Bleibt es dabei: Steht ein rundruf still (ps zeigt bei ihm T)? kill -CONT lässt es weiterlaufen.",
                "Another process has been writing for more than 5 seconds. Please try again. If it stays so: does a rundruf stand still (ps shows T for it)? kill -CONT lets it go on."
            ),
            Self::NotTaken => said!(
                "Der Datenträger hat den Eintrag nicht angenommen; er wird noch einmal versucht.",
                "The disk did not take the commit. It is tried again."
            ),
            Self::Stopped => said!(
                "Sein Schreiber ist beendet. Bitte neu starten.",
                "Its writer has stopped. Start again."
            ),
        }
    }
}

/// The primary result code of SQLite, where it is one of its errors.
fn primary_code(error: &sqlx::Error) -> Option<i64> {
    let code: i64 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        // Codes: https://sqlite.org/rescode.html
        Self::Broken(match primary_code(&error) {
            Some(5) => Trouble::Busy,
            Some(13) => Trouble::Full,
            Some(8) => Trouble::ReadOnly,
            Some(11) => Trouble::Damaged,
            Some(26) => Trouble::NoStore,
            Some(10) => Trouble::Disk,
            Some(14) => Trouble::CannotOpen,
            _ => return Self::Database(error.to_string()),
        })
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
