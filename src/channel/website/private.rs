//! Folders that must not become a public site: those with the store, the configuration, a key or a list of people in them.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::said;
use crate::settings::Settings;
use crate::settings::raw::{RawTable, Value};
use crate::text::said::Said;

/// A path without links and dots, as far as it exists: two ways to write a place are one.
pub fn resolved(path: &Path) -> PathBuf {
    let mut full = PathBuf::new();
    for part in std::path::absolute(path).as_deref().unwrap_or(path).components() {
        match part {
            Component::ParentDir => drop(full.pop()),
            Component::CurDir => {}
            part => full.push(part),
        }
        // What is not there yet is what it says.
        full = full.canonicalize().unwrap_or(full);
    }
    full
}

/// Why this folder must not be public.
pub fn why_private(settings: &Settings, folder: &Path) -> Option<Said> {
    let (shown, folder) = (folder.display(), resolved(folder));
    let data = resolved(&settings.data);
    if folder.starts_with(&data) {
        let data = settings.data.display();
        return Some(said!(
            "Der Ordner {shown} liegt in {data}, bei Speicher und Schlüssel; er wäre öffentlich.",
            "the folder {shown} lies in {data}, with store and key; it would be public."
        ));
    }
    let mut private: BTreeSet<PathBuf> = [settings.data.clone(), settings.store.key_file.clone()].into();
    private.insert(settings.store_path());
    gather(&settings.raw, &mut private);
    let inside = private.into_iter().find(|path| resolved(path).starts_with(&folder))?;
    let inside = inside.display();
    Some(said!(
        "In dem Ordner {shown} liegt {inside}; es wäre öffentlich.",
        "in the folder {shown} lies {inside}; it would be public."
    ))
}

/// What to do about it.
pub fn remedy() -> Said {
    said!(
        "Bitte nehmen Sie einen eigenen Ordner nur für die Website, zum Beispiel \"file:public\".",
        "Take a folder of its own for the website, for example \"file:public\"."
    )
}

/// The files a configuration is written in, and those it reads secrets and recipients from.
fn gather(table: &RawTable, private: &mut BTreeSet<PathBuf>) {
    for (key, node) in &table.entries {
        if !node.place.from_environment
            && let Some(name) = Path::new(&*node.place.source).file_name()
        {
            private.insert(node.place.dir.join(name));
        }
        match &node.value {
            Value::Text(path) if key == "file" || key.ends_with("_file") && key != "tls_ca_file" => {
                private.insert(node.place.dir.join(path));
            }
            Value::Table(table) => gather(table, private),
            Value::List(list) => {
                let tables = list.iter().filter_map(|node| match &node.value {
                    Value::Table(table) => Some(table),
                    _ => None,
                });
                tables.for_each(|table| gather(table, private));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ways_to_write_a_place_are_one() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        std::fs::create_dir(dir.join("a")).unwrap();
        std::os::unix::fs::symlink("a", dir.join("link")).unwrap();
        for written in ["a/new/x", "a/../a/./new/x", "link/new/x", "link/../a/new//x"] {
            assert_eq!(resolved(&dir.join(written)), dir.join("a/new/x"), "{written}");
        }
    }
}
