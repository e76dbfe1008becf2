//! Secrets as written: `x`, `x_file` or `x_env`. What they hold is in no error.

use std::io::Read;

use secrecy::SecretString;

use super::quoted::quoted;
use super::reader::Reader;
use crate::said;

/// Largest file of a secret.
const LARGEST_SECRET: u64 = 1 << 16;

impl Reader<'_> {
    /// A secret: `key`, `key_file` or `key_env`, exactly one of them.
    pub fn secret(&mut self, key: &str) -> Option<SecretString> {
        let forms = [key.to_owned(), format!("{key}_file"), format!("{key}_env")];
        let given: Vec<&String> = forms
            .iter()
            .filter(|form| self.table.entries.contains_key(*form))
            .collect();
        self.known.extend(forms.iter().cloned());
        if given.len() > 1 {
            let list = given.iter().map(|g| g.as_str()).collect::<Vec<_>>().join(", ");
            let first = given[0].clone();
            self.problem(
                &first,
                said!(
                    "Dasselbe Geheimnis ist mehrfach angegeben: {list}.",
                    "the same secret is given more than once: {list}."
                ),
                said!("Bitte lassen Sie nur eine der Angaben stehen.", "Keep one of them."),
            );
            return None;
        }
        let form = (*given.first()?).clone();
        let written = self.text(&form)?;
        let secret = if form == forms[1] {
            self.secret_file(&form)?
        } else if form == forms[2] {
            match std::env::var(&written) {
                Ok(value) => value,
                Err(_) => {
                    let name = quoted(&written);
                    self.problem(
                        &form,
                        said!(
                            "Die Umgebungsvariable {name} ist nicht gesetzt.",
                            "the environment variable {name} is not set."
                        ),
                        said!(
                            "Bitte setzen Sie sie vor dem Start, oder nehmen Sie {key}_file.",
                            "Set it before starting, or use {key}_file."
                        ),
                    );
                    return None;
                }
            }
        } else {
            written
        };
        let secret = secret.trim_end_matches(['\r', '\n']).to_owned();
        if secret.trim().is_empty() || secret.contains(['\r', '\n', '\0']) && !secret.starts_with("-----BEGIN") {
            self.problem(
                &form,
                said!(
                    "Das Geheimnis ist leer oder hat mehrere Zeilen.",
                    "the secret is empty or has several lines."
                ),
                said!("Erwartet wird genau eine Zeile.", "Expected is exactly one line."),
            );
            return None;
        }
        Some(SecretString::from(secret))
    }

    /// Like [`Reader::secret`], but it must be there.
    pub fn required_secret(&mut self, key: &str) -> Option<SecretString> {
        let given = ["", "_file", "_env"]
            .iter()
            .any(|form| self.table.entries.contains_key(&format!("{key}{form}")));
        if !given {
            self.known
                .extend([key.to_owned(), format!("{key}_file"), format!("{key}_env")]);
            self.missing(
                key,
                said!(
                    "Bitte tragen Sie {key}, {key}_file oder {key}_env ein.",
                    "Write {key}, {key}_file or {key}_env."
                ),
            );
            return None;
        }
        self.secret(key)
    }

    fn secret_file(&mut self, form: &str) -> Option<String> {
        let path = self.path(form)?;
        let mut text = String::new();
        let read = std::fs::File::open(&path).and_then(|file| file.take(LARGEST_SECRET).read_to_string(&mut text));
        if let Err(error) = read {
            let path = path.display();
            self.problem(
                form,
                said!(
                    "Die Datei {path} lässt sich nicht lesen: {error}.",
                    "the file {path} cannot be read: {error}."
                ),
                said!(
                    "Bitte prüfen Sie Pfad und Rechte; relative Pfade zählen ab dieser Konfiguration.",
                    "Check path and permissions; relative paths count from this configuration."
                ),
            );
            return None;
        }
        Some(text)
    }
}
