//! What the demo says, in German and English, with colours only on a terminal; with `--json` nothing but the table at the end.

use super::board::Tally;
use crate::cli::output::Output;
use crate::clock::timestamp;
use crate::said;
use crate::text::said::Said;

/// Speaks one language.
pub(super) struct Words(Output);

impl Words {
    pub(super) fn new(out: &Output) -> Self {
        Self(out.clone())
    }

    pub(super) fn german(&self) -> bool {
        self.0.german
    }

    pub(super) fn opening(&self, site: &str, page: &str) {
        self.line(&said!(
            "Die Seite für Bürgerinnen und Bürger: {site}",
            "The page for citizens:     {site}"
        ));
        self.line(&said!(
            "Was bei den Diensten ankommt:         {page}",
            "What the services receive: {page}"
        ));
        self.line(&said!(
            "Mastodon, SMS und Webhook sind nachgestellt; nichts verlässt diesen Rechner.",
            "Mastodon, SMS and webhook are imitated; nothing leaves this machine."
        ));
        self.head(&said!(
            "Der Fall: Potsdam, Januar 2023",
            "The case: Potsdam, January 2023"
        ));
        self.line(&said!(
            "Behörden warnen vor einem Angriff; die Stadt nimmt ihre IT selbst vom Netz.",
            "Authorities warn of an attack; the city takes its own IT off the net."
        ));
        self.line(&said!(
            "Drei Meldungen, je eine Datei, gehen auf die Website, an Mastodon, per SMS",
            "Three notices, one file each, go to the website, to Mastodon, by SMS to"
        ));
        self.line(&said!(
            "an drei Redaktionen und per Webhook an den Nachbarkreis.",
            "three newsrooms and by webhook to the neighbouring district."
        ));
    }

    pub(super) fn act_one(&self) {
        self.head(&said!(
            "1. 16. Januar: E-Mail an die Stadt geht wieder.",
            "1. 16 January: e-mail to the city works again."
        ));
    }

    pub(super) fn act_two(&self) {
        self.head(&said!(
            "2. 24. Januar: Rückschlag, alles wieder abgeschaltet. Und Mastodon fällt aus.",
            "2. 24 January: a setback, everything is switched off again. And Mastodon fails."
        ));
    }

    pub(super) fn act_three(&self) {
        self.head(&said!(
            "3. 31. Januar: was geht und was nicht. Beim Senden fällt Rundruf selbst aus.",
            "3. 31 January: what works, what does not. Rundruf itself fails in mid-sending."
        ));
    }

    pub(super) fn mastodon_away(&self) {
        self.line(&said!(
            "Mastodon ist angehalten und nimmt keine Verbindung an.",
            "Mastodon is stopped and takes no connection."
        ));
    }

    pub(super) fn everywhere_but_mastodon(&self, notice: usize, people: usize) {
        self.line(&said!(
            "Meldung {notice} steht auf der Website, auf {people} Telefonen und beim Nachbarkreis.",
            "Notice {notice} is on the website, on {people} phones and at the district."
        ));
    }

    pub(super) fn mastodon_waits(&self, next: Option<i64>) {
        let Some(next) = next else {
            return self.line(&said!("Nur Mastodon wartet noch.", "Only Mastodon still waits."));
        };
        let zone = jiff::tz::TimeZone::system();
        let at = timestamp(next).to_zoned_datetime(zone).strftime("%H:%M:%S");
        self.line(&said!(
            "Nur Mastodon wartet; nächster Versuch um {at} Uhr.",
            "Only Mastodon waits; the next try is at {at}."
        ));
    }

    pub(super) fn mastodon_back(&self) {
        self.line(&said!(
            "Mastodon ist wieder da. Der Beitrag kommt von selbst nach …",
            "Mastodon is back. The post follows by itself …"
        ));
    }

    pub(super) fn mastodon_has_it(&self, notice: usize) {
        self.line(&said!(
            "Meldung {notice} steht jetzt auch bei Mastodon, einmal.",
            "Notice {notice} is at Mastodon now too, once."
        ));
    }

    pub(super) fn killed(&self) {
        self.line(&said!(
            "Die SMS sind beim Gateway und noch nicht zugestellt; der Nachbarkreis ist weg.",
            "The SMS are at the gateway, not delivered yet; the district is not there."
        ));
        self.line(&said!(
            "Rundruf ist hart beendet (kill -9). Was offen ist, liegt auf der Platte.",
            "Rundruf is killed (kill -9). What is open lies on the disk."
        ));
    }

    pub(super) fn serving_again(&self) {
        self.line(&said!(
            "Rundruf läuft wieder und macht weiter, wo es aufgehört hat …",
            "Rundruf runs again and goes on where it stopped …"
        ));
    }

    pub(super) fn everywhere(&self, notice: usize, people: usize) {
        self.line(&said!(
            "Meldung {notice} ist überall: Website, Mastodon, {people} Telefone, Nachbarkreis.",
            "Notice {notice} is everywhere: website, Mastodon, {people} phones, district."
        ));
    }

    pub(super) fn interrupted(&self) {
        self.line(&said!("Abgebrochen.", "Interrupted."));
    }

    pub(super) fn table(&self, tallies: &[Tally]) {
        self.head(&said!(
            "Unsere Anzeige und die Bücher der Dienste",
            "Our board and the services' own books"
        ));
        let head = if self.german() {
            ["Kanal", "soll", "Anzeige", "Dienst", "verloren", "doppelt", "unbekannt"]
        } else {
            ["channel", "expected", "board", "service", "lost", "double", "unknown"]
        };
        self.row(&head);
        for t in tallies {
            let counts = [t.expected, t.board, t.books, t.lost(), t.double, t.unknown];
            let [a, b, c, d, e, f] = counts.map(|n| n.to_string());
            self.row(&[t.channel, &a, &b, &c, &d, &e, &f]);
        }
        let rows: Vec<_> = tallies.iter().map(Tally::json).collect();
        let good = tallies.iter().all(Tally::is_good);
        self.0.answer(&serde_json::json!({ "agree": good, "channels": rows }));
    }

    pub(super) fn verdict(&self, good: bool) {
        let (colour, verdict) = if good {
            (
                "1;32",
                said!(
                    "0 verloren, 0 doppelt. Anzeige und Bücher stimmen überein.",
                    "0 lost, 0 double. Board and books agree."
                ),
            )
        } else {
            (
                "1;31",
                said!(
                    "Anzeige und Bücher stimmen nicht überein.\nDas ist ein Fehler; bitte melden Sie ihn mit dieser Ausgabe.",
                    "Board and books do not agree. This is a bug; please report it with this output."
                ),
            )
        };
        self.strong(&verdict, colour);
    }

    pub(super) fn stays_open(&self) {
        self.line(&said!(
            "Beide Seiten oben bleiben offen, bis Sie die Eingabetaste oder Strg-C drücken.",
            "Both pages above stay open until you press Enter or Ctrl-C."
        ));
    }

    fn head(&self, text: &Said) {
        self.strong(text, "1");
    }

    fn strong(&self, text: &Said, colour: &str) {
        let text = self.0.coloured(text.in_german(self.german()), colour);
        self.0.text(&format!("\n{text}"));
    }

    fn line(&self, text: &Said) {
        self.0.text(&format!("  {}", text.in_german(self.german())));
    }

    fn row(&self, cells: &[&str; 7]) {
        let [name, counts @ ..] = cells;
        let counts: String = counts.iter().map(|cell| format!("{cell:>11}")).collect();
        self.0.text(&format!("  {name:<9}{counts}"));
    }
}
