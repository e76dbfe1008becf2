//! What was found of a copy, for people and as JSON.

use jiff::tz::TimeZone;
use serde_json::json;

use super::copy::{Content, Found};
use crate::cli::output::{Output, WIDTH, wrap};
use crate::formats::manifest::{Entry, MANIFEST, Manifest};
use crate::said;
use crate::secret::signing::PublicKey;
use crate::text::dates;
use crate::text::lang::Lang;
use crate::text::said::Said;

/// Names of each kind that people are shown.
const SHOWN: usize = 20;

/// Who vouches for the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// `--key`.
    Named,
    /// The key file of the installation this runs in.
    Own,
    /// Nobody but the copy itself.
    Copy,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Findings {
    /// `good`, `forged`, `unreadable`, `other-key`.
    pub(super) signature: &'static str,
    pub(super) trust: Trust,
    pub(super) key: Option<PublicKey>,
    /// The key it should have been.
    pub(super) wanted: Option<PublicKey>,
    /// This installation's instance number.
    pub(super) ours: Option<i64>,
    /// Files in which the copy differs from what this installation shows now; `None` for copies of others.
    pub(super) behind: Option<usize>,
    manifest: Manifest,
    well: usize,
    pub(super) missing: Vec<String>,
    pub(super) changed: Vec<String>,
    /// Files on no list; `None` where nobody can see them.
    pub(super) extra: Option<Vec<String>>,
    /// Nobody can say: the path (`.`: the folder) and why.
    pub(super) unread: Vec<(String, Said)>,
    /// Files not looked at: the time was over.
    pub(super) unseen: usize,
}

impl Findings {
    /// A list that says nothing.
    pub(super) fn doubtful(signature: &'static str) -> Self {
        Self {
            signature,
            trust: Trust::Copy,
            key: None,
            wanted: None,
            ours: None,
            behind: None,
            manifest: Manifest::default(),
            well: 0,
            missing: Vec::new(),
            changed: Vec::new(),
            extra: None,
            unread: Vec::new(),
            unseen: 0,
        }
    }

    /// A list whose signature fits; its files are still to be looked at.
    pub(super) fn of(manifest: &Manifest, key: PublicKey) -> Self {
        Self {
            key: Some(key),
            manifest: manifest.clone(),
            ..Self::doubtful("good")
        }
    }

    /// One file.
    pub(super) fn look(&mut self, path: &str, entry: &Entry, content: Content) {
        let path = path.to_owned();
        match content {
            Ok(Found::File(content)) if Entry::of(&content) == *entry => self.well += 1,
            Ok(Found::File(_) | Found::Longer) => self.changed.push(path),
            Ok(Found::Missing) => self.missing.push(path),
            Err(why) => self.unread.push((path, why)),
        }
    }

    /// By name, whichever was looked at first.
    pub(super) fn sort(&mut self) {
        self.missing.sort();
        self.changed.sort();
        self.extra.iter_mut().for_each(|extra| extra.sort());
        self.unread.sort_by(|a, b| a.0.cmp(&b.0));
    }

    /// The copy is as it should be, and it is known whose it is: anybody can sign a forged one with a key of their own.
    pub(super) fn is_well(&self) -> bool {
        self.trust != Trust::Copy && self.is_whole()
    }

    /// The copy is whole, unchanged, and (one of this installation's own) of the state that holds now.
    pub(super) fn is_whole(&self) -> bool {
        self.signature == "good"
            && self.missing.is_empty()
            && self.changed.is_empty()
            && self.extra.as_ref().is_none_or(Vec::is_empty)
            && self.unread.is_empty()
            && self.unseen == 0
            && self.manifest.pending.is_empty()
            && self.ours.is_none_or(|ours| ours == self.manifest.instance)
            && self.behind.is_none_or(|files| files == 0)
    }

    /// Says it all.
    pub(super) fn tell(&self, name: &str, out: &Output) {
        let good = self.signature == "good";
        if good {
            self.tell_files(name, out);
        } else {
            out.point(false, &self.doubt(name));
        }
        let trust = match self.trust {
            Trust::Named => "named",
            Trust::Own => "own",
            Trust::Copy => "copy",
        };
        let m = &self.manifest;
        out.answer(&json!({
            "ok": self.is_well(),
            "copy": name,
            "signature": self.signature,
            "key": self.key.map(|key| key.to_string()),
            "pinned": good && self.trust != Trust::Copy,
            "trust": good.then_some(trust),
            "instance": self.key.map(|_| m.instance),
            "generation": self.key.map(|_| m.generation),
            "as_of": m.as_of.map(|at| at.to_string()),
            "current": self.behind.map(|files| files == 0),
            "files": m.files.len(),
            "missing": self.missing,
            "changed": self.changed,
            "extra": self.extra,
            "pending": m.pending,
            "unseen": self.unseen,
            "unread": self.unread.iter().map(|(path, why)| json!({ "path": path, "why": why })).collect::<Vec<_>>(),
        }));
    }

    fn tell_files(&self, name: &str, out: &Output) {
        let Some(key) = self.key else { return };
        let m = &self.manifest;
        let signed = match self.trust {
            Trust::Named => said!(
                "Unterschrift: gut, vom genannten Schlüssel.",
                "Signature: good, by the key named."
            ),
            Trust::Own => said!(
                "Unterschrift: gut, von dieser Installation.",
                "Signature: good, by this installation."
            ),
            Trust::Copy => said!(
                "Unterschrift: in sich richtig, aber nicht zu sagen, von wem. Den Schlüssel {key} nennt nur die Kopie selbst; auch wer sie fälscht, kann so unterschreiben. Fragen Sie den Herausgeber nach seinem Schlüssel (bei ihm nennt ihn rundruf check) und prüfen Sie dann mit --key.",
                "Signature: fits, but it cannot be told whose it is. Only the copy itself names the key {key}; who forges a copy can sign it like this, too. Ask its publisher for their key (rundruf check names it there), then verify with --key."
            ),
        };
        out.point(self.trust != Trust::Copy, &signed);
        self.tell_age(out);
        let pending: Vec<String> = m.pending.iter().cloned().collect();
        list(out, &self.changed, |n| said!("Verändert ({n}):", "Changed ({n}):"));
        list(out, &self.missing, |n| said!("Es fehlen ({n}):", "Missing ({n}):"));
        list(out, self.extra.as_deref().unwrap_or_default(), |n| {
            said!("Nicht von Rundruf ({n}):", "Not of Rundruf ({n}):")
        });
        list(out, &pending, |n| {
            said!(
                "Gerade beim Hochladen ({n}); bitte gleich noch einmal prüfen:",
                "Being uploaded just now ({n}); please verify again in a moment:"
            )
        });
        let unread: Vec<String> = self
            .unread
            .iter()
            .map(|(path, why)| format!("{path}: {}", why.in_german(out.german)))
            .collect();
        list(out, &unread, |n| {
            said!("Nicht zu lesen ({n}):", "Could not be read ({n}):")
        });
        if self.unseen > 0 {
            let (seen, all) = (m.files.len() - self.unseen, m.files.len());
            let text = said!(
                "Die Zeit war um, nur {seen} von {all} Dateien wurden angesehen. Mehr Zeit gibt --within, zum Beispiel --within 2h.",
                "The time was over, only {seen} of {all} files were looked at. There is more with --within, for example --within 2h."
            );
            out.point(false, &text);
        }
        let (count, all) = (self.well, m.files.len());
        let text = said!(
            "{count} von {all} Dateien in {name} sind da und unverändert.",
            "{count} of {all} files in {name} are there and unchanged."
        );
        out.point(count == all, &text);
        if self.extra.is_none() {
            note(
                out,
                &said!(
                    "Ob dort noch anderes liegt, ist über das Netz nicht zu sehen.",
                    "Whether anything else lies there cannot be seen over the net."
                ),
            );
        }
        if !self.changed.is_empty() || !self.missing.is_empty() {
            note(
                out,
                &said!(
                    "Was zu tun ist: Zugangsdaten dieses Webspace ändern, dort {MANIFEST} löschen, dann rundruf channel retry mit dem Kanal der Website; alles wird neu hochgeladen.",
                    "What to do: change the credentials of this web space, delete {MANIFEST} there, then rundruf channel retry with the website's channel; everything is uploaded anew."
                ),
            );
        }
    }

    /// Of when it is, and whether that is now.
    fn tell_age(&self, out: &Output) {
        let m = &self.manifest;
        if let Some(at) = m.as_of {
            let at = at.to_zoned_datetime(TimeZone::UTC);
            let (de, en) = (dates::date_time(&at, Lang::De), dates::date_time(&at, Lang::En));
            note(out, &said!("Stand der Seite: {de} UTC.", "The site is as of {en} UTC."));
        }
        let Some(ours) = self.ours else {
            note(
                out,
                &said!(
                    "Ob es einen neueren gibt, weiß nur der Herausgeber. Vergleichen Sie mit einer anderen Kopie: Die mit dem späteren Stand gilt.",
                    "Whether there is a newer state only its publisher knows. Compare with another copy: the one with the later state holds."
                ),
            );
            return;
        };
        if ours != m.instance {
            let theirs = m.instance;
            let text = if theirs < ours {
                said!(
                    "Die Kopie ist von einer älteren Instanz ({theirs}; hier läuft {ours}): Seit dem Zurückholen der Sicherung wurde sie nicht erneuert. Warum, sagt rundruf status.",
                    "The copy is of an older instance ({theirs}; {ours} runs here): it was not renewed since the backup was restored. rundruf status says why."
                )
            } else {
                said!(
                    "Die Kopie ist von einer neueren Instanz ({theirs}; hier läuft {ours}): Diese Installation ist die ältere. Bitte beenden Sie eine der beiden.",
                    "The copy is of a newer instance ({theirs}; {ours} runs here): this installation is the older one. Please stop one of the two."
                )
            };
            out.point(false, &text);
            return;
        }
        if let Some(files) = self.behind.filter(|files| *files > 0 && m.pending.is_empty()) {
            out.point(false, &said!(
                "Die Kopie zeigt einen älteren Stand: In {files} Dateien sagt diese Installation heute etwas anderes. Ist sie ein altes Abbild, so ist das richtig; ist sie ein Ziel, sagt rundruf status, warum sie nicht erneuert wurde.",
                "The copy shows an older state: in {files} files this installation says something else now. If it is an old picture of the site, that is right; if it is a target, rundruf status says why it was not renewed."
            ));
        }
    }

    fn doubt(&self, name: &str) -> Said {
        match (self.signature, self.key, self.wanted) {
            ("other-key", Some(key), Some(wanted)) => said!(
                "{name} ist mit einem anderen Schlüssel unterschrieben ({key}) als erwartet ({wanted}). Ist es die Seite eines anderen, nennen Sie dessen Schlüssel mit --key; ist es Ihre, hat jemand anderes sie abgelegt.",
                "{name} is signed with another key ({key}) than expected ({wanted}). If it is the site of somebody else, name their key with --key; if it is yours, somebody else put it there."
            ),
            ("forged", ..) => said!(
                "Das Verzeichnis in {name} wurde nach der Unterschrift verändert. Auf nichts in dieser Kopie ist Verlass.",
                "The manifest in {name} was changed after it was signed. Nothing in this copy can be relied on."
            ),
            _ => said!(
                "Das Verzeichnis in {name} ist keines von Rundruf. Auf nichts in dieser Kopie ist Verlass.",
                "The manifest in {name} is none of Rundruf. Nothing in this copy can be relied on."
            ),
        }
    }
}

/// A line without a mark, below one that has one.
fn note(out: &Output, said: &Said) {
    for line in wrap(said.in_german(out.german), WIDTH - 4) {
        out.text(&format!("  {line}"));
    }
}

/// A heading with the number and the first names; nothing where there are none.
fn list(out: &Output, names: &[String], heading: impl FnOnce(usize) -> Said) {
    if names.is_empty() {
        return;
    }
    out.point(false, &heading(names.len()));
    for name in names.iter().take(SHOWN) {
        // A name on a disk may hold anything; a terminal must not be told what to do by it.
        out.text(&format!("    {}", name.escape_debug()));
    }
    if names.len() > SHOWN {
        let more = names.len() - SHOWN;
        out.say(&said!(
            "    … und {more} weitere; alle mit --json",
            "    … and {more} more; all with --json"
        ));
    }
}
