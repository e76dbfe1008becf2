//! The six questions: what is asked, why, an example, a proposal.

use super::answers::Answers;
use crate::said;
use crate::text::said::Said;

/// The sixteen Länder with their names.
pub const LAENDER: [(&str, &str); 16] = [
    ("BB", "Brandenburg"),
    ("BE", "Berlin"),
    ("BW", "Baden-Württemberg"),
    ("BY", "Bayern"),
    ("HB", "Bremen"),
    ("HE", "Hessen"),
    ("HH", "Hamburg"),
    ("MV", "Mecklenburg-Vorpommern"),
    ("NI", "Niedersachsen"),
    ("NW", "Nordrhein-Westfalen"),
    ("RP", "Rheinland-Pfalz"),
    ("SH", "Schleswig-Holstein"),
    ("SL", "Saarland"),
    ("SN", "Sachsen"),
    ("ST", "Sachsen-Anhalt"),
    ("TH", "Thüringen"),
];

/// The keys of the answers, in the order of asking; those of the imprint with their table.
pub const KEYS: [&str; 11] = [
    "name",
    "land",
    "phone",
    "url",
    "target",
    "imprint.name",
    "imprint.address",
    "imprint.represented_by",
    "imprint.phone",
    "imprint.email",
    "imprint.responsible",
];

/// What a question says.
pub struct Question {
    /// In two words.
    pub title: Said,
    /// What it is for, and an example.
    pub why: Said,
    /// What an empty answer means.
    pub proposal: Option<String>,
}

/// The question of a key, after the answers so far.
pub fn question(key: &str, so_far: &Answers) -> Question {
    let list = || LAENDER.map(|(code, name)| format!("{code} {name}")).join(", ");
    let (title, why, proposal) = match key {
        "name" => (
            said!("Name", "Name"),
            said!(
                "So stehen Sie auf der Seite und in jeder Meldung. Zum Beispiel: Stadt Musterstadt",
                "So you stand on the page and in every notice. For example: Stadt Musterstadt"
            ),
            None,
        ),
        "land" => {
            let list = list();
            (
                said!("Bundesland", "Land"),
                said!(
                    "Danach richten sich Zuständigkeiten. Eines von: {list}",
                    "It decides who is responsible. One of: {list}"
                ),
                None,
            )
        }
        "phone" => (
            said!("Telefon", "Phone"),
            said!(
                "Die Nummer, die auch ohne eigene IT erreichbar ist; sie steht auf der Seite, und wer an einer Meldung zweifelt, ruft sie an. Zum Beispiel: 115 oder +49 331 12345",
                "The number that works without your own IT; it stands on the page, and whoever doubts a notice calls it. For example: 115 or +49 331 12345"
            ),
            None,
        ),
        "url" => (
            said!("Öffentliche Adresse", "Public address"),
            said!(
                "Hier lesen die Bürger; Links, Feeds und QR-Codes führen dorthin. Am besten eine Domain, die nicht an der eigenen IT hängt. Zum Beispiel: https://musterstadt-info.example",
                "Here citizens read; links, feeds and QR codes lead there. Best a domain that does not hang on your own IT. For example: https://musterstadt-info.example"
            ),
            None,
        ),
        "target" => (
            said!("Wohin die Seite geht", "Where the site goes"),
            said!(
                "file:ORDNER auf dieser Maschine (ein Webserver liefert ihn aus), oder sftp://NAME@RECHNER/ORDNER bei einem Anbieter; mit Passwort als {{ url = \"sftp://…\", username = \"…\", password_file = \"…\" }}.",
                "file:FOLDER on this machine (a web server serves it), or sftp://USER@HOST/FOLDER at a provider; with a password as {{ url = \"sftp://…\", username = \"…\", password_file = \"…\" }}."
            ),
            Some("file:public".to_owned()),
        ),
        "imprint.name" => (
            said!("Impressum: Name", "Imprint: name"),
            said!(
                "Wer für die Seite einsteht (§ 5 DDG).",
                "Who answers for the page (§ 5 DDG)."
            ),
            Some(so_far.name.clone()),
        ),
        "imprint.address" => (
            said!("Impressum: Anschrift", "Imprint: address"),
            said!(
                "Straße, Postleitzahl, Ort, mit Kommas. Zum Beispiel: Am Markt 1, 12345 Musterstadt",
                "Street, postal code, town, with commas. For example: Am Markt 1, 12345 Musterstadt"
            ),
            None,
        ),
        "imprint.represented_by" => (
            said!("Impressum: vertreten durch", "Imprint: represented by"),
            said!(
                "Wer die Kommune gesetzlich vertritt. Zum Beispiel: Oberbürgermeisterin Erika Muster",
                "Who represents the municipality by law. For example: Oberbürgermeisterin Erika Muster"
            ),
            None,
        ),
        "imprint.phone" => (
            said!("Impressum: Telefon", "Imprint: phone"),
            said!("Muss wirklich erreichbar sein.", "Must really be answered."),
            Some(so_far.phone.clone()),
        ),
        "imprint.email" => (
            said!("Impressum: E-Mail", "Imprint: e-mail"),
            said!(
                "Pflicht, auch wenn sie gerade nicht geht; am besten eine Adresse außerhalb der eigenen IT. Zum Beispiel: post@musterstadt.example",
                "A duty, even while it does not work; best an address outside your own IT. For example: post@musterstadt.example"
            ),
            None,
        ),
        _ => (
            said!(
                "Impressum: verantwortlich für den Inhalt",
                "Imprint: responsible for the content"
            ),
            said!(
                "Name oder Stelle mit Anschrift (§ 18 MStV). Zum Beispiel: Pressestelle, Am Markt 1, 12345 Musterstadt",
                "Name or office with address (§ 18 MStV). For example: Pressestelle, Am Markt 1, 12345 Musterstadt"
            ),
            None,
        ),
    };
    Question {
        title,
        why,
        proposal: proposal.filter(|text| !text.is_empty()),
    }
}

/// The code of a Land, given as code or name.
pub fn land(written: &str) -> Option<&'static str> {
    let written = written.trim().to_lowercase();
    LAENDER
        .iter()
        .find(|(code, name)| code.to_lowercase() == written || name.to_lowercase() == written)
        .map(|(code, _)| *code)
}
