//! The configuration as it is written: short, with a word on every part, so that it can be changed without documentation.

use super::answers::Answers;
use crate::ids::{RESERVED, is_name};
use crate::said;
use crate::text::basic::toml_string;
use crate::text::said::Said;

/// Words that say what somebody is, not who: left out of the id, which stands in every address.
const KINDS: &[&str] = &[
    "amt",
    "bundesstadt",
    "der",
    "die",
    "das",
    "freie",
    "gemeinde",
    "hansestadt",
    "kreis",
    "kreisstadt",
    "landeshauptstadt",
    "landkreis",
    "markt",
    "samtgemeinde",
    "stadt",
    "stadtverwaltung",
    "und",
    "universitaetsstadt",
    "verbandsgemeinde",
];

/// Providers of mail to everybody: nobody's own domain.
const MAIL_FOR_ALL: &[&str] = &[
    "aol.com",
    "arcor.de",
    "freenet.de",
    "gmail.com",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "hotmail.de",
    "icloud.com",
    "live.de",
    "mail.de",
    "mailbox.org",
    "outlook.com",
    "outlook.de",
    "posteo.de",
    "proton.me",
    "protonmail.com",
    "t-online.de",
    "web.de",
    "yahoo.com",
    "yahoo.de",
];

/// The id of a publisher of this name: `Landeshauptstadt Potsdam` is `potsdam`.
pub fn id(name: &str) -> String {
    let plain = name
        .to_lowercase()
        .replace('ä', "ae")
        .replace('ö', "oe")
        .replace('ü', "ue")
        .replace('ß', "ss");
    let words: Vec<&str> = plain
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let own = words.iter().position(|word| !KINDS.contains(word)).unwrap_or(0);
    let id: String = words[own.min(words.len())..].join("_").chars().take(40).collect();
    let id = id.trim_matches('_').to_owned();
    match is_name(&id) {
        true => id,
        false if RESERVED.contains(&id.as_str()) => format!("{id}_1"),
        false => "stadt".to_owned(),
    }
}

impl Answers {
    /// The text of `channels.toml`; `day` it is written on.
    pub fn configuration(&self, day: &str, german: bool) -> String {
        let mut page = Page {
            german,
            text: String::new(),
        };
        let (name, id) = (one_line(&self.name), id(&self.name));
        page.note(&said!(
            "Rundruf für {name}. Angelegt am {day} mit rundruf init; ändern Sie, was nötig ist. Danach sieht rundruf check alles durch.",
            "Rundruf for {name}. Made on {day} with rundruf init; change what is needed. Then rundruf check looks at everything."
        ));
        page.note(&said!(
            "Relative Pfade zählen ab dieser Datei. Passwörter gehören in eigene Dateien: statt password = \"…\" password_file = \"…\".",
            "Relative paths count from this file. Passwords belong into files of their own: password_file = \"…\" instead of password = \"…\"."
        ));
        page.part("site");
        page.note(&said!(
            "Die öffentliche Adresse: Links, Feeds und QR-Codes führen dorthin.",
            "The public address: links, feeds and QR codes lead there."
        ));
        page.text("url", &self.url);
        page.part(&format!("publisher.{id}"));
        page.text("name", &self.name);
        page.note(&said!(
            "Die erste Sprache hat jede Meldung. Fehlt eine andere, steht dort die erste, mit einem Satz, der das sagt.",
            "Every notice has the first language. Where another is missing the first stands there, with a sentence that says so."
        ));
        page.line("languages = [\"de\", \"de-simple\", \"en\"]");
        page.line("timezone = \"Europe/Berlin\"");
        page.text("land", &self.land);
        page.text("phone", &self.phone);
        self.own_domains(&mut page);
        page.part(&format!("publisher.{id}.imprint"));
        for (key, value) in [
            ("name", &self.imprint.name),
            ("address", &self.imprint.address),
            ("represented_by", &self.imprint.represented_by),
            ("phone", &self.imprint.phone),
            ("email", &self.imprint.email),
            ("responsible", &self.imprint.responsible),
        ] {
            page.text(key, value);
        }
        page.part("channel.website");
        page.line("kind = \"website\"");
        page.note(&said!(
            "Wohin die Seite geht. Ein zweites Ziel bei einem anderen Anbieter trägt, wenn das erste ausfällt: mit Komma dahinter.",
            "Where the site goes. A second target at another provider carries on when the first fails: behind a comma."
        ));
        page.line(&format!("targets = [{}]", self.targets.join(", ")));
        page.gap();
        page.note(&said!(
            "Weitere Kanäle nach diesem Muster:",
            "Further channels in this manner:"
        ));
        for line in [
            "# [channel.mastodon]",
            "# kind = \"mastodon\"",
            "# url = \"https://social.example\"",
            "# token_file = \"mastodon.token\"",
        ] {
            page.line(line);
        }
        page.gap();
        page.note(&said!(
            "Die Presse per E-Mail, über einen Anbieter außerhalb; die Liste hat eine Spalte address:",
            "The press by e-mail, through a provider elsewhere; the list has one column address:"
        ));
        for line in [
            "# [channel.presse]",
            "# kind = \"email\"",
            "# server = \"smtp.provider.example\"",
            "# username = \"presse@provider.example\"",
            "# password_file = \"presse.pw\"",
            "# from = \"Pressestelle <presse@provider.example>\"",
            "# audience = { file = \"presse.csv\" }",
        ] {
            page.line(line);
        }
        page.gap();
        page.note(&said!(
            "Die eigene E-Mail, angehalten, solange niemand weiß, ob sie geht:",
            "Your own e-mail, held as long as nobody knows whether it works:"
        ));
        for line in [
            "# [channel.email]",
            "# kind = \"email\"",
            "# server = \"smtp.stadt.example\"",
            "# from = \"info@stadt.example\"",
            "# audience = { file = \"verteiler.csv\" }",
            "# gate = \"held\"",
        ] {
            page.line(line);
        }
        page.text
    }

    fn own_domains(&self, page: &mut Page) {
        page.note(&said!(
            "Domains, die mit der eigenen IT ausfallen; rundruf check nennt alles, was an ihnen hängt.",
            "Domains that fail with your own IT; rundruf check names everything that hangs on them."
        ));
        let domain = self.imprint.email.rsplit('@').next().unwrap_or_default().to_lowercase();
        let label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let last = domain.rsplit('.').next().unwrap_or_default();
        // An address of digits is no domain.
        let fits = domain.contains('.') && domain.split('.').all(label) && !last.bytes().all(|b| b.is_ascii_digit());
        if fits && !MAIL_FOR_ALL.contains(&domain.as_str()) {
            page.line(&format!("own_domains = [{}]", toml_string(&domain)));
        } else {
            page.line("# own_domains = [\"stadt.example\"]");
        }
    }
}

struct Page {
    german: bool,
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn gap(&mut self) {
        self.text.push('\n');
    }

    fn part(&mut self, name: &str) {
        self.gap();
        self.line(&format!("[{name}]"));
    }

    fn text(&mut self, key: &str, value: &str) {
        self.line(&format!("{key} = {}", toml_string(value)));
    }

    fn note(&mut self, said: &Said) {
        for line in crate::text::wrap::wrap(said.in_german(self.german), 96) {
            self.line(&format!("# {line}"));
        }
    }
}

/// Within a comment: a control character would end it, or the file.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_possible() {
        for (name, wanted) in [
            ("Landeshauptstadt Potsdam", "potsdam"),
            ("Stadt Frankfurt (Oder)", "frankfurt_oder"),
            ("Freie und Hansestadt Hamburg", "hamburg"),
            ("Landkreis Dahme-Spreewald", "dahme_spreewald"),
            ("Südwestfalen-IT", "suedwestfalen_it"),
            ("Gemeinde", "gemeinde"),
            ("Stadt", "stadt"),
            ("Archive", "archive_1"),
            ("Stadt En", "en_1"),
            ("日本", "stadt"),
            ("...", "stadt"),
        ] {
            assert_eq!(id(name), wanted, "{name}");
        }
        assert!(is_name(&id(&"Ä".repeat(200))));
    }
}
