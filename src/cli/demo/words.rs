//! What the demo says, in German and English, with colours only on a terminal; with `--json` nothing but the table at the end.

use super::board::Tally;
use super::people::{PEOPLE, SERVED};
use super::post::Post;
use crate::cli::output::Output;
use crate::clock::timestamp;
use crate::said;
use crate::text::said::Said;

/// The publisher's clock, which is the demo's.
const ZONE: &str = "Europe/Berlin";

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
        self.lines(&[
            said!(
                "Alle Dienste sind nachgestellt; nichts verlässt diesen Rechner.",
                "All services are imitated; nothing leaves this machine."
            ),
            said!(
                "Die Uhr der Vorführung springt von Tag zu Tag; Ihre bleibt, wie sie ist.",
                "The demo's clock leaps from day to day; yours stays as it is."
            ),
        ]);
        self.head(&said!(
            "Der 24. Januar: Potsdam 2023, in eineinhalb Minuten",
            "The 24th of January: Potsdam 2023, in a minute and a half"
        ));
        self.lines(&[
            said!(
                "Behörden warnen vor einem Angriff; die Stadt nimmt ihre IT selbst vom Netz.",
                "Authorities warn of an attack; the city takes its own IT off the net."
            ),
            said!(
                "Jede Meldung ist eine Datei. Sie geht auf die Website, an Mastodon, per SMS",
                "Every notice is one file. It goes to the website, to Mastodon, by SMS to"
            ),
            said!(
                "an drei Redaktionen, per Webhook an den Nachbarkreis und, sobald E-Mail",
                "three newsrooms, by webhook to the neighbouring district and, as soon as"
            ),
            said!(
                "wieder geht, an {PEOPLE} Menschen, die sich eingetragen haben.",
                "e-mail works again, to {PEOPLE} people who have signed up."
            ),
        ]);
    }

    pub(super) fn day_of_caution(&self) {
        self.head(&said!(
            "9. Januar, 10:05 Uhr. Alles ist vorsorglich abgeschaltet, auch E-Mail.",
            "9 January, 10:05. Everything is switched off as a precaution, e-mail too."
        ));
    }

    pub(super) fn mail_waits(&self, notices: usize) {
        self.line(&if notices == 1 {
            said!(
                "Der Kanal E-Mail ist angehalten: Dort wartet Meldung 1.",
                "The e-mail channel is held: notice 1 waits there."
            )
        } else {
            said!(
                "Der Kanal E-Mail ist angehalten: Dort warten {notices} Meldungen.",
                "The e-mail channel is held: {notices} notices wait there."
            )
        });
    }

    pub(super) fn day_of_hope(&self) {
        self.head(&said!(
            "16. Januar, 15:05 Uhr. E-Mail geht wieder. Ob das hält, weiß niemand.",
            "16 January, 15:05. E-mail works again. Nobody knows whether it lasts."
        ));
    }

    pub(super) fn city_waits(&self) {
        self.line(&said!(
            "Eine Probemail geht durch; Rundruf schlägt vor, E-Mail freizugeben.",
            "A canary mail gets through; Rundruf proposes to release e-mail."
        ));
        self.line(&said!(
            "Die Stadt wartet noch ab: 2 Meldungen warten.",
            "The city still waits: 2 notices wait."
        ));
    }

    pub(super) fn day_of_the_wave(&self) {
        self.head(&said!(
            "24. Januar, 18:00 Uhr. Weitere Dienste gehen wieder. Und Mastodon fällt aus.",
            "24 January, 18:00. More services are back. And Mastodon fails."
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
        let zone = jiff::tz::TimeZone::get(ZONE).unwrap_or_else(|_| jiff::tz::TimeZone::system());
        let at = timestamp(next).to_zoned_datetime(zone).strftime("%H:%M:%S");
        self.line(&said!(
            "Nur Mastodon wartet; nächster Versuch um {at} Uhr.",
            "Only Mastodon waits; the next try is at {at}."
        ));
    }

    pub(super) fn released(&self) {
        self.lines(&[
            said!(
                "Die Probe geht durch. 3 Meldungen haben gewartet; nun gibt die Stadt sie frei:",
                "The canary gets through. 3 notices have waited; now the city releases them:"
            ),
            said!(
                "an jede der {PEOPLE} Personen eine Mail mit dem neuesten Stand, nach und nach …",
                "one mail with the newest state to each of {PEOPLE} people, little by little …"
            ),
        ]);
    }

    /// Beside the bar that counts them.
    pub(super) fn mails(&self) -> &'static str {
        if self.german() { "  Mails" } else { "  mails" }
    }

    pub(super) fn setback(&self) {
        self.head(&said!(
            "24. Januar, wenig später. Ein Rückschlag: Alles ist wieder abgeschaltet.",
            "24 January, a little later. A setback: everything is switched off again."
        ));
        self.line(&said!(
            "Nach {SERVED} von {PEOPLE} Mails (40 %) kommt die Probemail als unzustellbar zurück …",
            "After {SERVED} of {PEOPLE} mails (40 %) the canary mail comes back undelivered …"
        ));
    }

    pub(super) fn held_itself(&self) {
        self.line(&said!(
            "Der Kanal E-Mail hat sich selbst angehalten. Keine Mail geht mehr hinaus.",
            "The e-mail channel has held itself. No mail goes out any more."
        ));
    }

    pub(super) fn page_has_turned(&self) {
        self.line(&said!(
            "Meldung 4: Die Website sagt jetzt „Wieder abgeschaltet“.",
            "Notice 4: the website now says \"Switched off again\"."
        ));
    }

    pub(super) fn killed(&self) {
        self.lines(&[
            said!(
                "Die SMS sind beim Gateway und noch nicht zugestellt; der Nachbarkreis ist weg.",
                "The SMS are at the gateway, not delivered yet; the district is not there."
            ),
            said!(
                "Da wird Rundruf hart beendet (kill -9). Was offen ist, liegt auf der Platte.",
                "Now Rundruf is killed (kill -9). What is open lies on the disk."
            ),
        ]);
    }

    pub(super) fn mastodon_back(&self) {
        self.line(&said!(
            "Mastodon und der Nachbarkreis sind wieder da.",
            "Mastodon is back, and so is the district."
        ));
    }

    pub(super) fn serving_again(&self) {
        self.line(&said!(
            "18:20 Uhr: Rundruf läuft wieder und macht weiter, wo es aufgehört hat …",
            "18:20: Rundruf runs again and goes on where it stopped …"
        ));
    }

    pub(super) fn mastodon_has_the_newest(&self) {
        self.lines(&[
            said!(
                "Mastodon hat Meldung 4 bekommen, einmal. Meldung 3, die dort noch wartete, ist",
                "Mastodon has got notice 4, once. Notice 3, which still waited there, is taken"
            ),
            said!(
                "damit zurückgenommen und kommt nicht mehr hinterher.",
                "back by it and does not come any more."
            ),
        ]);
    }

    pub(super) fn still_held(&self) {
        self.line(&said!(
            "E-Mail ist auch nach dem Neustart angehalten; es bleibt bei {SERVED} Mails.",
            "E-mail is held after the restart too; it stays at {SERVED} mails."
        ));
    }

    pub(super) fn everywhere(&self, notice: usize, people: usize) {
        self.line(&said!(
            "Meldung {notice} ist angekommen: Website, Mastodon, {people} Telefone, Nachbarkreis.",
            "Notice {notice} has arrived: website, Mastodon, {people} phones, district."
        ));
    }

    pub(super) fn day_of_answers(&self) {
        self.head(&said!(
            "31. Januar, 12:05 Uhr. Was geht und was nicht. E-Mail geht weiter nicht.",
            "31 January, 12:05. What works and what does not. E-mail still does not."
        ));
    }

    pub(super) fn day_of_return(&self) {
        self.head(&said!(
            "7. Februar, 10:05 Uhr, eine Woche später (angenommen). E-Mail ist zurück.",
            "7 February, 10:05, a week later (supposed). E-mail is back."
        ));
    }

    pub(super) fn released_again(&self) {
        self.line(&said!(
            "Die Probe geht durch. Wieder warten 3 Meldungen; die Stadt gibt sie frei …",
            "The canary gets through. Again 3 notices wait; the city releases them …"
        ));
    }

    pub(super) fn mails_are_out(&self) {
        self.line(&said!(
            "{PEOPLE} Mails sind hinaus, jede mit dem neuesten Stand.",
            "{PEOPLE} mails are out, each with the newest state."
        ));
    }

    pub(super) fn interrupted(&self) {
        self.line(&said!("Abgebrochen.", "Interrupted."));
    }

    pub(super) fn table(&self, tallies: &[Tally], post: &Post, good: bool) {
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
        self.lines(&[
            said!(
                "Mastodon: eine weniger, denn Meldung 3 war dort zurückgenommen.",
                "Mastodon: one less, because notice 3 was taken back there."
            ),
            said!(
                "E-Mail: {SERVED} vor dem Rückschlag, {PEOPLE} nach der zweiten Freigabe.",
                "E-mail: {SERVED} before the setback, {PEOPLE} after the second release."
            ),
        ]);
        let rows: Vec<_> = tallies.iter().map(Tally::json).collect();
        self.0
            .answer(&serde_json::json!({ "agree": good, "channels": rows, "mail": post.json() }));
    }

    /// The last lines: what people got, by the mail server's books.
    pub(super) fn verdict(&self, tallies: &[Tally], post: &Post, good: bool) {
        let Post {
            people,
            newest,
            never_stale,
            stale,
            ..
        } = post;
        self.head(&said!(
            "Wer was bekommen hat, gezählt in den Büchern der Dienste, nicht in unseren",
            "Who got what, counted in the services' books, not in ours"
        ));
        self.lines(&[
            said!(
                "{newest} von {people} Personen haben den neuesten Stand per E-Mail.",
                "{newest} of {people} people have the newest state by e-mail."
            ),
            said!(
                "{never_stale} haben den Stand, der am 24. Januar überholt wurde, nie bekommen.",
                "{never_stale} never got the state that was overtaken on 24 January."
            ),
        ]);
        let sum = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>();
        let (lost, double) = (sum(Tally::lost), sum(|tally| tally.double));
        let Said { de, en } = said!(
            "{lost} verloren, {double} doppelt, {stale} überholt.",
            "{lost} lost, {double} double, {stale} stale."
        );
        let (colour, verdict) = if good {
            (
                "1;32",
                said!(
                    "{de} Anzeige und Bücher stimmen überein.",
                    "{en} Board and books agree."
                ),
            )
        } else {
            (
                "1;31",
                said!(
                    "{de} Das soll nicht sein.\nDas ist ein Fehler; bitte melden Sie ihn mit dieser Ausgabe.",
                    "{en} This must not be.\nIt is a bug; please report it with this output."
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

    fn lines(&self, texts: &[Said]) {
        texts.iter().for_each(|text| self.line(text));
    }

    fn row(&self, cells: &[&str; 7]) {
        let [name, counts @ ..] = cells;
        let counts: String = counts.iter().map(|cell| format!("{cell:>11}")).collect();
        self.0.text(&format!("  {name:<9}{counts}"));
    }
}
