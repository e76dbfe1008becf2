//! What the demo says, in German and English, with colours and a spinner only on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::board::Tally;
use crate::clock::timestamp;
use crate::said;
use crate::text::said::Said;

/// Speaks one language.
pub(super) struct Words {
    german: bool,
    terminal: bool,
}

/// Turns while something is awaited; gone when dropped.
pub(super) struct Waiting(Option<ProgressBar>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

impl Words {
    pub(super) fn new(german: bool, terminal: bool) -> Self {
        Self { german, terminal }
    }

    pub(super) fn german(&self) -> bool {
        self.german
    }

    pub(super) fn waiting(&self) -> Waiting {
        if !self.terminal {
            return Waiting(None);
        }
        let bar = ProgressBar::new_spinner();
        // A fixed pattern: if it were wrong, the plain spinner does.
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Waiting(Some(bar))
    }

    pub(super) fn opening(&self, page: &str) {
        self.line(&said!(
            "Was die Dienste empfangen, sehen Sie hier: {page}",
            "See here what the services receive: {page}"
        ));
        self.line(&said!(
            "Mastodon, SMS und Webhook sind nachgestellt; nichts verlässt diesen Rechner.",
            "Mastodon, SMS and webhook are imitated; nothing leaves this machine."
        ));
    }

    pub(super) fn site(&self, url: &str) {
        self.line(&said!(
            "Die Seite für Bürgerinnen und Bürger: {url}",
            "The page for citizens: {url}"
        ));
    }

    pub(super) fn act_one(&self) {
        self.head(&said!(
            "1. Potsdam, 16. Januar: E-Mail geht wieder. Eine Datei, ein Befehl.",
            "1. Potsdam, 16 January: e-mail works again. One file, one command."
        ));
    }

    pub(super) fn act_two(&self) {
        self.head(&said!(
            "2. 24. Januar: alles ist wieder abgeschaltet. Und Mastodon fällt aus.",
            "2. 24 January: everything is switched off again. And Mastodon fails."
        ));
    }

    pub(super) fn act_three(&self) {
        self.head(&said!(
            "3. 31. Januar: neuer Stand. Mitten im Versand wird serve getötet.",
            "3. 31 January: a new state. In the middle of sending, serve is killed."
        ));
    }

    pub(super) fn mastodon_away(&self) {
        self.line(&said!(
            "Mastodon ist angehalten: keine Verbindung möglich.",
            "Mastodon is stopped: no connection possible."
        ));
    }

    pub(super) fn only_mastodon_waits(&self, next: Option<i64>) {
        let Some(next) = next else {
            return self.line(&said!(
                "Nur Mastodon wartet; alle anderen haben die Meldung.",
                "Only Mastodon waits; all others have the notice."
            ));
        };
        let zone = jiff::tz::TimeZone::system();
        let at = timestamp(next).to_zoned_datetime(zone).strftime("%H:%M:%S");
        self.line(&said!(
            "Nur Mastodon wartet (nächster Versuch {at}); alle anderen haben die Meldung.",
            "Only Mastodon waits (next try {at}); all others have the notice."
        ));
    }

    pub(super) fn mastodon_back(&self) {
        self.line(&said!(
            "Mastodon ist wieder da. Der Beitrag kommt von selbst nach.",
            "Mastodon is back. The post follows by itself."
        ));
    }

    pub(super) fn killed(&self) {
        self.line(&said!(
            "serve ist getötet (kill -9). Was offen war, steht in der Ablage.",
            "serve is killed (kill -9). What was open is in the store."
        ));
    }

    pub(super) fn serving_again(&self) {
        self.line(&said!(
            "serve läuft wieder und macht weiter, wo es aufhörte.",
            "serve runs again and goes on where it stopped."
        ));
    }

    pub(super) fn arrived(&self, notices: usize) {
        self.line(&said!(
            "Meldung {notices} ist überall angekommen, wo es gerade geht.",
            "Notice {notices} has arrived wherever that is possible now."
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
        let head = if self.german {
            [
                "Kanal",
                "soll",
                "Anzeige",
                "beim Dienst",
                "verloren",
                "doppelt",
                "unbekannt",
            ]
        } else {
            [
                "channel",
                "expected",
                "board",
                "at service",
                "lost",
                "double",
                "unknown",
            ]
        };
        print_row(&head);
        for t in tallies {
            let counts = [t.expected, t.board, t.books, t.lost(), t.double, t.unknown];
            let [a, b, c, d, e, f] = counts.map(|n| n.to_string());
            print_row(&[t.channel, &a, &b, &c, &d, &e, &f]);
        }
    }

    pub(super) fn verdict(&self, good: bool) {
        let (colour, verdict) = if good {
            (
                "\u{1b}[1;32m",
                said!(
                    "0 verloren, 0 doppelt. Anzeige und Bücher stimmen überein.",
                    "0 lost, 0 double. Board and books agree."
                ),
            )
        } else {
            (
                "\u{1b}[1;31m",
                said!(
                    "Anzeige und Bücher stimmen nicht überein. Das ist ein Fehler; bitte melden Sie ihn mit dieser Ausgabe.",
                    "Board and books do not agree. This is a bug; please report it with this output."
                ),
            )
        };
        let verdict = verdict.in_german(self.german);
        if self.terminal {
            println!("\n{colour}{verdict}\u{1b}[0m");
        } else {
            println!("\n{verdict}");
        }
    }

    pub(super) fn stays_open(&self, page: &str) {
        self.line(&said!(
            "Beide Seiten bleiben offen ({page}), bis Sie Strg-C drücken.",
            "Both pages stay open ({page}) until you press Ctrl-C."
        ));
    }

    fn head(&self, text: &Said) {
        let text = text.in_german(self.german);
        if self.terminal {
            println!("\n\u{1b}[1m{text}\u{1b}[0m");
        } else {
            println!("\n{text}");
        }
    }

    fn line(&self, text: &Said) {
        println!("  {}", text.in_german(self.german));
    }
}

fn print_row(cells: &[&str; 7]) {
    let [name, counts @ ..] = cells;
    print!("  {name:<10}");
    for cell in counts {
        print!("{cell:>12}");
    }
    println!();
}
