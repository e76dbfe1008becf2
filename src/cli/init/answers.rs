//! The six answers: from a file, or one by one; what is not possible about them. The last word has the reader of
//! `channels.toml` itself: it reads what would be written, before it is.

use std::path::Path;

use super::questions::{LAENDER, land};
use crate::channel::registry;
use crate::domain::problem::Problem;
use crate::domain::publisher::Imprint;
use crate::said;
use crate::settings::quoted::quoted;
use crate::settings::raw::{Place, RawTable, Value};
use crate::settings::{Reader, Settings, table_of};
use crate::text::basic::toml_string;
use crate::text::contact::{is_mail, is_phone};
use crate::text::said::Said;

/// Longest name: it stands in headings and in front of every short message.
const LONGEST_NAME: usize = 140;
/// Longest of the other answers.
const LONGEST: usize = 500;

/// The answers as they are written to the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// Name of the publisher.
    pub name: String,
    /// Code of the Land.
    pub land: String,
    /// The number to call.
    pub phone: String,
    /// Public address.
    pub url: String,
    /// Where the site goes: TOML values, as `targets` of the kind `website` takes them.
    pub targets: Vec<String>,
    /// Imprint.
    pub imprint: Imprint,
}

/// Something that is not possible about an answer.
struct Fault {
    /// `url`, `imprint.email`.
    key: String,
    what: Said,
    remedy: Said,
}

impl Answers {
    /// Possible answers, so that one can be looked at while the others are still to come.
    pub fn sample() -> Self {
        let text = |text: &str| text.to_owned();
        Self {
            name: text("Stadt"),
            land: text("BB"),
            phone: text("115"),
            url: text("https://stadt-info.example"),
            targets: vec![text("\"file:public\"")],
            imprint: Imprint {
                name: text("Stadt"),
                address: text("Am Markt 1"),
                represented_by: text("Stadt"),
                phone: text("115"),
                email: text("post@stadt.example"),
                responsible: text("Stadt"),
            },
        }
    }

    /// The answers with one more, as it was typed; or why that is not possible.
    pub fn with(&self, key: &str, typed: &str, config: &Path) -> Result<Self, Said> {
        let mut new = self.clone();
        match key {
            "name" => new.name = typed.to_owned(),
            "land" => new.land = land(typed).unwrap_or(typed).to_owned(),
            "phone" => new.phone = typed.to_owned(),
            "url" => new.url = typed.to_owned(),
            "target" => new.targets = vec![typed_target(typed)?],
            "imprint.name" => new.imprint.name = typed.to_owned(),
            "imprint.address" => new.imprint.address = typed.to_owned(),
            "imprint.represented_by" => new.imprint.represented_by = typed.to_owned(),
            "imprint.phone" => new.imprint.phone = typed.to_owned(),
            "imprint.email" => new.imprint.email = typed.to_owned(),
            _ => new.imprint.responsible = typed.to_owned(),
        }
        match new.faults(config).into_iter().find(|fault| fault.key == key) {
            None => Ok(new),
            Some(Fault { what, remedy, .. }) => Err(Said {
                de: format!("{} {}", what.de, remedy.de),
                en: format!("{} {}", what.en, remedy.en),
            }),
        }
    }

    /// The answers of a file; every fault with its line.
    pub fn read(file: &Path, config: &Path) -> Result<Self, Vec<Problem>> {
        let table = table_of(file)?;
        let mut reader = Reader::new(&table, &[]);
        let mut answers = Self::sample();
        let mut take = |key: &str, remedy| reader.required(key, remedy).unwrap_or_default();
        answers.name = take(
            "name",
            said!(
                "Zum Beispiel name = \"Stadt Musterstadt\".",
                "For example name = \"Stadt Musterstadt\"."
            ),
        );
        let written = take(
            "land",
            said!("Zum Beispiel land = \"BB\".", "For example land = \"BB\"."),
        );
        answers.land = land(&written).map_or(written, str::to_owned);
        answers.phone = take(
            "phone",
            said!("Zum Beispiel phone = \"115\".", "For example phone = \"115\"."),
        );
        answers.url = take(
            "url",
            said!(
                "Zum Beispiel url = \"https://musterstadt-info.example\".",
                "For example url = \"https://musterstadt-info.example\"."
            ),
        );
        let target = || {
            said!(
                "Zum Beispiel target = \"file:public\".",
                "For example target = \"file:public\"."
            )
        };
        if !reader.has("target") {
            reader.missing("target", target());
        } else if let Some(list) = reader.list("target") {
            answers.targets = list.iter().map(|node| value(&node.value)).collect();
            if list.is_empty() {
                reader.problem("target", said!("Die Liste ist leer.", "the list is empty."), target());
            }
        }
        imprint(&mut reader, &mut answers);
        let mut problems = reader.finish();
        if problems.is_empty() {
            let faults = answers.faults(config).into_iter();
            problems.extend(faults.map(|f| place(&table, &f.key).problem(&f.key, f.what, f.remedy)));
        }
        if problems.is_empty() {
            Ok(answers)
        } else {
            problems.sort_by_key(|p| p.line);
            Err(problems)
        }
    }

    /// What is not possible, by key.
    fn faults(&self, config: &Path) -> Vec<Fault> {
        let mut faults = self.shapes();
        let text = self.configuration("", true);
        let found = match Settings::of_text(config, &text, Path::new("data")) {
            Err(problems) => problems,
            Ok((settings, mut problems)) => {
                problems.extend(registry::build(&settings).err().unwrap_or_default());
                problems
            }
        };
        for problem in found {
            let key = key_of(problem.field.as_deref().unwrap_or_default());
            if !faults.iter().any(|fault| fault.key == key) {
                faults.push(Fault {
                    key,
                    what: problem.what,
                    remedy: problem.remedy,
                });
            }
        }
        faults
    }

    /// What a configuration would take and a reader of the page would stumble over.
    fn shapes(&self) -> Vec<Fault> {
        let imprint = &self.imprint;
        let texts = [
            ("name", &self.name, LONGEST_NAME),
            ("land", &self.land, LONGEST),
            ("phone", &self.phone, LONGEST),
            ("url", &self.url, LONGEST),
            ("imprint.name", &imprint.name, LONGEST),
            ("imprint.address", &imprint.address, LONGEST),
            ("imprint.represented_by", &imprint.represented_by, LONGEST),
            ("imprint.phone", &imprint.phone, LONGEST),
            ("imprint.email", &imprint.email, LONGEST),
            ("imprint.responsible", &imprint.responsible, LONGEST),
        ];
        let mut faults: Vec<Fault> = texts
            .into_iter()
            .filter_map(|(key, text, longest)| {
                let (what, remedy) = bad_text(text, longest).or_else(|| bad_shape(key, text))?;
                Some(Fault {
                    key: key.to_owned(),
                    what,
                    remedy,
                })
            })
            .collect();
        let long = self.targets.iter().any(|t| t.chars().count() > 4 * LONGEST);
        faults.extend(long.then(|| Fault {
            key: "target".to_owned(),
            what: said!("Das Ziel ist zu lang.", "the target is too long."),
            remedy: said!("Zum Beispiel file:public.", "For example file:public."),
        }));
        faults
    }
}

/// The imprint of a file: a table of its six fields, of which name and phone are proposed.
fn imprint(reader: &mut Reader<'_>, answers: &mut Answers) {
    if !reader.has("imprint") {
        reader.missing("imprint", said!(
            "Schreiben Sie [imprint] mit address, represented_by, email und responsible; name und phone, wo sie anders lauten als oben.",
            "Write [imprint] with address, represented_by, email and responsible; name and phone where they differ from those above."
        ));
        return;
    }
    let Some(table) = reader.table("imprint") else { return };
    let mut inner = Reader::new(&table, &[]);
    let proposed = |inner: &mut Reader<'_>, key: &str, above: &str| {
        let given = inner.has(key).then(|| inner.text(key)).flatten();
        given.unwrap_or_else(|| above.to_owned())
    };
    let (name, phone) = (
        proposed(&mut inner, "name", &answers.name),
        proposed(&mut inner, "phone", &answers.phone),
    );
    let mut take = |key: &str| {
        let remedy = said!(
            "Ein Impressum hat name, address, represented_by, phone, email und responsible.",
            "An imprint has name, address, represented_by, phone, email and responsible."
        );
        inner.required(key, remedy).unwrap_or_default()
    };
    answers.imprint = Imprint {
        name,
        address: take("address"),
        represented_by: take("represented_by"),
        phone,
        email: take("email"),
        responsible: take("responsible"),
    };
    reader.absorb(inner.finish());
}

/// Where an answer stands in the file.
fn place(table: &RawTable, key: &str) -> Place {
    let (table, key) = match key.split_once('.').and_then(|(t, k)| Some((table.table(t)?, k))) {
        Some(found) => found,
        None => (table, key),
    };
    table.entries.get(key).map_or(&table.place, |node| &node.place).clone()
}

/// The answer that a field of the configuration comes from.
fn key_of(field: &str) -> String {
    if field.starts_with("channel.website.targets") {
        return "target".to_owned();
    }
    match field.strip_prefix("publisher.").and_then(|rest| rest.split_once('.')) {
        Some((_, key)) => key.to_owned(),
        None => field.strip_prefix("site.").unwrap_or(field).to_owned(),
    }
}

/// A target as typed: an address, or what TOML calls a table.
fn typed_target(typed: &str) -> Result<String, Said> {
    if !typed.starts_with(['{', '[']) {
        return Ok(toml_string(typed));
    }
    match toml::from_str::<toml::Table>(&format!("target = {typed}")) {
        // As typed: one value on one line, as the check shows.
        Ok(table) if table.len() == 1 && !typed.contains('\n') => Ok(typed.to_owned()),
        Ok(_) | Err(_) => Err(said!(
            "Das ist kein gültiges TOML. Eine Adresse genügt, zum Beispiel file:public.",
            "this is not valid TOML. An address is enough, such as file:public."
        )),
    }
}

/// A value of a file as TOML on one line.
fn value(value: &Value) -> String {
    match value {
        Value::Text(text) => toml_string(text),
        Value::Whole(n) => n.to_string(),
        Value::Broken(n) => format!("{n:?}"),
        Value::Flag(yes) => yes.to_string(),
        Value::List(list) => {
            let list = list.iter().map(|node| self::value(&node.value));
            format!("[{}]", list.collect::<Vec<_>>().join(", "))
        }
        Value::Table(table) => {
            let fields = table
                .entries
                .iter()
                .map(|(key, node)| format!("{key} = {}", self::value(&node.value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

fn bad_text(text: &str, longest: usize) -> Option<(Said, Said)> {
    let found = text.chars().count();
    Some(if text.trim().is_empty() {
        (
            said!("Die Antwort ist leer.", "the answer is empty."),
            said!("Bitte etwas eintragen.", "Please write something."),
        )
    } else if text.chars().any(char::is_control) {
        (
            said!(
                "Darin steht ein unsichtbares Steuerzeichen.",
                "it holds an invisible control character."
            ),
            said!(
                "Bitte ohne Pfeiltasten neu tippen.",
                "Please type it anew, without arrow keys."
            ),
        )
    } else if found > longest {
        (
            said!("Das sind {found} Zeichen.", "these are {found} characters."),
            said!("Erlaubt sind {longest}.", "Allowed are {longest}."),
        )
    } else {
        return None;
    })
}

fn bad_shape(key: &str, text: &str) -> Option<(Said, Said)> {
    let found = quoted(text);
    match key {
        "land" if land(text).is_none() => {
            let list = LAENDER.map(|(code, name)| format!("{code} ({name})")).join(", ");
            Some((
                said!("{found} ist kein Bundesland.", "{found} is no Land."),
                said!("Es gibt: {list}.", "There are: {list}."),
            ))
        }
        "phone" | "imprint.phone" if !is_phone(text) => Some((
            said!("{found} ist keine Telefonnummer.", "{found} is no phone number."),
            said!(
                "Schreiben Sie sie wie \"115\" oder \"+49 331 12345\".",
                "Write it like \"115\" or \"+49 331 12345\"."
            ),
        )),
        "imprint.email" if !is_mail(text) => Some((
            said!("{found} ist keine E-Mail-Adresse.", "{found} is no mail address."),
            said!(
                "Schreiben Sie nur die Adresse: post@musterstadt.example.",
                "Write the address alone: post@musterstadt.example."
            ),
        )),
        _ => None,
    }
}
