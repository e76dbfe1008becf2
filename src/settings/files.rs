//! From files and environment to one [`RawTable`] with places. The crate `config` merges; `toml` gives every value its line.

mod walk;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::builder::DefaultState;
use config::{Config, ConfigBuilder, Environment, Map, Value as Merged, ValueKind};

use super::quoted::quoted;
use super::raw::{Node, Place, RawTable, Value};
use crate::domain::problem::Problem;
use crate::said;
use crate::text::near::nearest;
use crate::text::said::Said;
use walk::parse;

/// Largest configuration file: far above any real one, far below what hurts.
const LARGEST_FILE: u64 = 1 << 20;
/// Most files in `channels.d`.
const MOST_FILES: usize = 500;
/// Tables of which there is one each.
pub const SINGLE: &[&str] = &["site", "serve", "store", "staff"];
/// Tables that hold named ones (`[channel.sms]`).
pub const NAMED: &[&str] = &["publisher", "channel"];

/// Reads and merges everything. `Err` where a file cannot be read as TOML or two files define one table.
pub fn gather(file: &Path, env: &BTreeMap<String, String>) -> Result<RawTable, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut book = Book::default();
    let mut builder = Config::builder();
    let (paths, listing) = files(file);
    problems.extend(listing);
    for path in paths {
        let name: Arc<str> = Arc::from(path.to_string_lossy().as_ref());
        match read(&path, &name) {
            Ok(text) => match parse(&path, name, &text, &mut book) {
                Ok(source) => builder = builder.add_source(source),
                Err(found) => problems.extend(found),
            },
            Err(problem) => problems.push(*problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    merge(builder, file, env, &book)
}

/// A text as if it were the only file, of this name, without environment.
pub fn of_text(file: &Path, text: &str) -> Result<RawTable, Vec<Problem>> {
    let (mut book, name) = (Book::default(), Arc::from(file.to_string_lossy().as_ref()));
    let source = parse(file, name, text, &mut book)?;
    merge(Config::builder().add_source(source), file, &BTreeMap::new(), &book)
}

/// A TOML file that is no configuration, with the places of its values.
pub fn table_of(file: &Path) -> Result<RawTable, Vec<Problem>> {
    let (mut book, name) = (Book::default(), Arc::<str>::from(file.to_string_lossy().as_ref()));
    let text = read(file, &name).map_err(|mut problem| {
        if !file.exists() {
            problem.remedy = said!("Bitte prüfen Sie den Namen der Datei.", "Check the name of the file.");
        }
        vec![*problem]
    })?;
    let Parsed(map) = walk::values(file, name, &text, &mut book)?;
    Ok(book.table("", map, file))
}

/// The environment, as far as it is text.
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn merge(
    builder: ConfigBuilder<DefaultState>,
    file: &Path,
    env: &BTreeMap<String, String>,
    book: &Book,
) -> Result<RawTable, Vec<Problem>> {
    let overrides: Map<String, String> = env
        .iter()
        .filter(|(name, _)| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let problems: Vec<Problem> = overrides.keys().filter_map(|name| no_section_of(name, file)).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let merged = builder
        .add_source(
            Environment::with_prefix("RUNDRUF")
                .prefix_separator("__")
                .separator("__")
                .source(Some(overrides)),
        )
        .build()
        .map_err(|error| {
            let error = error.to_string();
            vec![book.top(file).problem(
                "",
                said!(
                    "Die Konfiguration lässt sich nicht zusammenführen: {error}.",
                    "the configuration cannot be merged: {error}."
                ),
                said!(
                    "Bitte prüfen Sie die Umgebungsvariablen RUNDRUF__….",
                    "Check the environment variables RUNDRUF__…."
                ),
            )]
        })?;
    Ok(book.table("", merged.cache.into_table().unwrap_or_default(), file))
}

/// A section that does not exist, with the nearest that does.
fn no_section(place: &Place, key: &str) -> Problem {
    let shown = quoted(key);
    let hint = nearest(key, SINGLE.iter().chain(NAMED).copied())
        .map(|n| said!(" Meinten Sie \"{n}\"?", " Did you mean \"{n}\"?"));
    let Said { de, en } = hint.unwrap_or_default();
    place.problem(
        "",
        said!(
            "Einen Abschnitt {shown} gibt es nicht.{de}",
            "there is no section {shown}.{en}"
        ),
        said!(
            "Es gibt [site], [serve], [store], [staff], [publisher.NAME] und [channel.NAME].",
            "There are [site], [serve], [store], [staff], [publisher.NAME] and [channel.NAME]."
        ),
    )
}

/// The same for `RUNDRUF__SECTION__KEY`: a misspelt override would otherwise be none.
fn no_section_of(variable: &str, file: &Path) -> Option<Problem> {
    let lower = variable.to_ascii_lowercase();
    let section = lower.strip_prefix("rundruf__")?.split("__").next()?;
    let known = SINGLE.contains(&section) || NAMED.contains(&section);
    let place = Place {
        source: Arc::from(variable),
        from_environment: true,
        ..Book::default().top(file)
    };
    (!known).then(|| no_section(&place, section))
}

/// The main file and, in order of name, `channels.d/*.toml` beside it.
fn files(file: &Path) -> (Vec<PathBuf>, Vec<Problem>) {
    let mut paths = vec![file.to_owned()];
    let folder = file.parent().unwrap_or(Path::new("")).join("channels.d");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return (paths, Vec::new());
    };
    let mut more: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .take(MOST_FILES + 1)
        .collect();
    more.sort();
    if more.len() > MOST_FILES {
        let name = folder.to_string_lossy().into_owned();
        let problem = Problem {
            file: Some(name),
            line: None,
            field: None,
            what: said!("Mehr als {MOST_FILES} Dateien.", "more than {MOST_FILES} files."),
            remedy: said!("Bitte fassen Sie Dateien zusammen.", "Put some of them together."),
        };
        return (paths, vec![problem]);
    }
    paths.append(&mut more);
    (paths, Vec::new())
}

fn read(path: &Path, name: &str) -> Result<String, Box<Problem>> {
    let problem = |what, remedy| {
        Box::new(Problem {
            file: Some(name.to_owned()),
            line: None,
            field: None,
            what,
            remedy,
        })
    };
    let unreadable = |error: std::io::Error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        if missing {
            problem(
                said!("Diese Datei gibt es nicht.", "there is no such file."),
                said!(
                    "Legen Sie die Konfiguration mit rundruf init an, oder nennen Sie eine andere mit --config DATEI.",
                    "Make the configuration with rundruf init, or name another one with --config FILE."
                ),
            )
        } else {
            problem(
                said!(
                    "Die Datei lässt sich nicht lesen: {error}.",
                    "the file cannot be read: {error}."
                ),
                said!("Bitte prüfen Sie Pfad und Rechte.", "Check path and permissions."),
            )
        }
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(problem(
            said!("Die Datei ist größer als 1 MB.", "the file is larger than 1 MB."),
            said!(
                "Eine Konfiguration ist klein; ist es die richtige Datei? Empfängerlisten gehören in eine CSV-Datei (audience).",
                "A configuration is small; is this the right file? Lists of recipients belong into a CSV file (audience)."
            ),
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let mut problem = problem(
            said!(
                "Hier steht etwas, das kein UTF-8 ist.",
                "here is something that is not UTF-8."
            ),
            said!("Bitte speichern Sie die Datei als UTF-8.", "Save the file as UTF-8."),
        );
        problem.line = Some(line_of(before, before.len()));
        problem
    })
}

fn line_of(text: &[u8], at: usize) -> usize {
    1 + text.iter().take(at).filter(|b| **b == b'\n').count()
}

/// Which file and line each merged value came from. Values carry `index:line` as their origin; tables, which merging makes
/// anew, are found by path.
#[derive(Debug, Default)]
struct Book {
    files: Vec<(Arc<str>, Arc<Path>)>,
    tables: BTreeMap<String, Place>,
    definitions: BTreeMap<String, Place>,
}

impl Book {
    /// The top of the main file.
    fn top(&self, file: &Path) -> Place {
        let dir = file.parent().unwrap_or(Path::new(""));
        Place {
            source: Arc::from(file.to_string_lossy().as_ref()),
            line: None,
            dir: Arc::from(dir),
            from_environment: false,
        }
    }

    fn place(&self, path: &str, origin: Option<&str>, file: &Path) -> Place {
        if let Some((index, line)) = origin.and_then(|o| o.split_once(':'))
            && let (Ok(index), Ok(line)) = (index.parse::<usize>(), line.parse())
            && let Some((source, dir)) = self.files.get(index)
        {
            return Place {
                source: source.clone(),
                line: Some(line),
                dir: dir.clone(),
                from_environment: false,
            };
        }
        if origin.is_some() {
            let name = format!("RUNDRUF__{}", path.replace('.', "__").to_uppercase());
            return Place {
                source: Arc::from(name),
                from_environment: true,
                ..self.top(file)
            };
        }
        self.tables.get(path).cloned().unwrap_or_else(|| self.top(file))
    }

    fn table(&self, path: &str, map: Map<String, Merged>, file: &Path) -> RawTable {
        let entries = map
            .into_iter()
            .map(|(key, value)| {
                let inner = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                (key, self.node(&inner, value, file))
            })
            .collect();
        RawTable {
            path: path.to_owned(),
            place: self.place(path, None, file),
            entries,
        }
    }

    fn node(&self, path: &str, merged: Merged, file: &Path) -> Node {
        let mut place = self.place(path, merged.origin(), file);
        let value = match merged.kind {
            ValueKind::Nil => Value::Text(String::new()),
            ValueKind::Boolean(yes) => Value::Flag(yes),
            ValueKind::I64(n) => Value::Whole(n),
            ValueKind::I128(n) => Value::Broken(n as f64),
            ValueKind::U64(n) => i64::try_from(n).map_or(Value::Broken(n as f64), Value::Whole),
            ValueKind::U128(n) => Value::Broken(n as f64),
            ValueKind::Float(n) => Value::Broken(n),
            ValueKind::String(text) => Value::Text(text),
            ValueKind::Table(map) => {
                let table = self.table(path, map, file);
                place = table.place.clone();
                Value::Table(table)
            }
            ValueKind::Array(list) => Value::List(
                list.into_iter()
                    .enumerate()
                    .map(|(n, value)| self.node(&format!("{path}[{n}]"), value, file))
                    .collect(),
            ),
        };
        Node { value, place }
    }
}

/// One parsed file as a source of the crate `config`.
#[derive(Debug, Clone)]
struct Parsed(Map<String, Merged>);

impl config::Source for Parsed {
    fn clone_into_box(&self) -> Box<dyn config::Source + Send + Sync> {
        Box::new(self.clone())
    }
    fn collect(&self) -> Result<Map<String, Merged>, config::ConfigError> {
        Ok(self.0.clone())
    }
}
