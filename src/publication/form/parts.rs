//! What a form asks for: a comment that says what belongs there and gives an example, a line that waits for it.

use super::Occasion;
use super::page::Page;
use crate::domain::incident::{IncidentView, NoticeView};
use crate::domain::words::IncidentState;
use crate::render::words::Words;
use crate::said;
use crate::text::lang::Lang;
use crate::text::said::Said;

impl Page {
    /// Headline, time, summary, promise of a first notice.
    pub fn first(&mut self, occasion: &Occasion<'_>) {
        if let Some(open) = occasion.incidents.iter().rev().find(|i| !i.closed) {
            let slug = &open.slug;
            self.section(&said!(
                "Achtung: {slug} ist noch offen; diese Meldung beginnt einen weiteren Vorfall. Gehört sie dazu, nehmen Sie rundruf new update.",
                "Note: {slug} is still open; this notice begins another incident. If it belongs there, use rundruf new update."
            ));
        }
        self.headline(&said!(
            "Die IT der Stadtverwaltung ist abgeschaltet",
            "The city administration's IT is switched off"
        ));
        self.since(occasion);
        self.summary(&said!(
            "Was heißt das für die Leute: Was geht, was geht nicht, was sollen sie tun?",
            "What does it mean for people: what works, what does not, what shall they do?"
        ));
        self.promise();
    }

    /// A further notice.
    pub fn update(&mut self, view: &IncidentView) {
        self.state(view);
        self.headline(&said!(
            "E-Mail geht wieder, Online-Dienste noch nicht",
            "E-mail works again, online services do not yet"
        ));
        self.summary(&said!(
            "Was ist neu, und was heißt das für die Leute?",
            "What is new, and what does it mean for people?"
        ));
        self.promise();
        let newest = view.notices.last().map_or(0, |n| n.notice.number);
        self.section(&said!(
            "Nur wenn diese Meldung eine frühere ganz ersetzt (sie erscheint dann als überholt):",
            "Only where this notice replaces an earlier one altogether (it then shows as superseded):"
        ));
        self.off(&format!("replaces = [{newest}]"));
    }

    /// Something said earlier was wrong.
    pub fn correction(&mut self, standing: &[&NoticeView], occasion: &Occasion<'_>) {
        self.which(
            standing,
            occasion,
            &said!(
                "Welche Meldung war falsch? Eingetragen ist die neueste; möglich sind:",
                "Which notice was wrong? The newest is entered; possible are:"
            ),
        );
        self.headline(&said!(
            "Berichtigung: Das Bürgerbüro öffnet erst um 10 Uhr",
            "Correction: the citizens' office opens at 10 only"
        ));
        self.summary(&said!(
            "Was war falsch, und was ist richtig?",
            "What was wrong, and what is right?"
        ));
    }

    /// Something said earlier is taken back without a better word.
    pub fn retraction(&mut self, standing: &[&NoticeView], occasion: &Occasion<'_>) {
        self.which(
            standing,
            occasion,
            &said!(
                "Welche Meldung nehmen Sie zurück? Eingetragen ist die neueste; möglich sind:",
                "Which notice do you take back? The newest is entered; possible are:"
            ),
        );
        let number = standing.last().map_or(0, |n| n.notice.number);
        self.section(&said!(
            "Bei einer anderen Nummer auch hier ändern.",
            "With another number change this, too."
        ));
        let headline = self.word(&said!(
            "Meldung {number} ist zurückgenommen",
            "Notice {number} is taken back"
        ));
        self.text("headline", &headline);
        self.summary(&said!(
            "Warum? Das liest die Öffentlichkeit.",
            "Why? The public reads this."
        ));
    }

    /// What worked again is off again.
    pub fn rolled_back(&mut self, restored: &[u32], occasion: &Occasion<'_>) {
        self.section(&said!(
            "Rückschlag: Was schon wieder lief, ist erneut abgeschaltet.",
            "Setback: what had been back is switched off again."
        ));
        self.line("state = \"rolled-back\"");
        let list = restored.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        if restored.is_empty() {
            self.note(&said!(
                "Bisher hat keine Meldung gesagt, dass etwas wieder geht (partly-restored, restored). Galt eine, die jetzt nicht mehr gilt, nennen Sie ihre Nummer:",
                "So far no notice has said that anything was back (partly-restored, restored). Where one holds no more, name its number:"
            ));
            self.off("takes_back = [1]");
        } else {
            self.note(&said!(
                "Diese Meldungen galten und gelten nicht mehr; sie erscheinen als überholt:",
                "These notices held and hold no more; they show as superseded:"
            ));
            self.line(format!("takes_back = [{list}]"));
        }
        self.headline(&said!(
            "E-Mail und Online-Dienste sind wieder abgeschaltet",
            "E-mail and online services are switched off again"
        ));
        self.since(occasion);
        self.summary(&said!(
            "Was ist wieder aus, warum, und was geht weiterhin?",
            "What is off again, why, and what still works?"
        ));
        self.promise();
    }

    fn headline(&mut self, example: &Said) {
        let Said { de, en } = example;
        self.section(&said!(
            "In einem Satz, höchstens 140 Zeichen, zum Beispiel: {de}",
            "In one sentence, at most 140 characters, such as: {en}"
        ));
        self.waits("headline");
    }

    fn summary(&mut self, asks: &Said) {
        let Said { de, en } = asks;
        self.section(&said!("{de} Höchstens 600 Zeichen.", "{en} At most 600 characters."));
        self.waits("summary");
    }

    fn since(&mut self, occasion: &Occasion<'_>) {
        let today = occasion
            .now
            .to_zoned_datetime(occasion.publisher.timezone.clone())
            .date();
        self.section(&said!(
            "Seit wann? \"06:00\" heißt heute um 6 Uhr; sonst mit Datum: \"{today} 06:00\".",
            "Since when? \"06:00\" means 6 o'clock today; else with the date: \"{today} 06:00\"."
        ));
        self.waits("since");
    }

    fn promise(&mut self) {
        self.section(&said!(
            "Wann melden Sie sich wieder, auch ohne Neues? \"16:00\" heißt heute um 16 Uhr.",
            "When will you report again, even without news? \"16:00\" means 16:00 today."
        ));
        self.waits("next");
    }

    fn state(&mut self, view: &IncidentView) {
        let word = |lang| Words::of(lang).of_list("state", view.state.word()).to_owned();
        let (now, de, en) = (view.state.word(), word(Lang::De), word(Lang::En));
        let list = IncidentState::WORDS.join(", ");
        self.section(&said!(
            "Die Lage ist „{de}“ ({now}) und bleibt so, wenn Sie nichts anderes schreiben. Möglich sind: {list}.",
            "The state is \"{en}\" ({now}) and stays so unless you write another. Possible are: {list}."
        ));
        self.off(&format!("state = \"{now}\""));
    }
}
