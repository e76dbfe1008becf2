//! The parts of a form with their explanations: one line that says what belongs there, one that waits for it.

use jiff::Timestamp;

use super::page::Page;
use super::{Form, Occasion};
use crate::domain::incident::{IncidentView, NoticeView};
use crate::domain::publisher::Publisher;
use crate::domain::words::IncidentState;
use crate::render::words::Words;
use crate::said;
use crate::text::lang::Lang;
use crate::text::said::Said;

impl Page {
    /// What the file is and what to do with it.
    pub fn head(&mut self, kind: Form, publisher: &Publisher, view: Option<&IncidentView>, number: u32) {
        let name = one_line(&publisher.name);
        let about = view.map(|v| (one_line(&v.title), v.slug.clone()));
        self.note(&match (kind, about) {
            (Form::Correction, Some((title, slug))) => said!(
                "Berichtigung von {name} zum Vorfall {slug} „{title}“; sie wird Meldung {number}.",
                "Correction by {name} in the incident {slug} \"{title}\"; it becomes notice {number}."
            ),
            (Form::Retraction, Some((title, slug))) => said!(
                "Rücknahme von {name} zum Vorfall {slug} „{title}“; sie wird Meldung {number}.",
                "Retraction by {name} in the incident {slug} \"{title}\"; it becomes notice {number}."
            ),
            (_, Some((title, slug))) => said!(
                "Meldung {number} von {name} zum Vorfall {slug} „{title}“.",
                "Notice {number} by {name} in the incident {slug} \"{title}\"."
            ),
            (_, None) => said!(
                "Erste Meldung von {name} zu einem Vorfall.",
                "First notice by {name} of an incident."
            ),
        });
        self.note(&said!(
            "Ersetzen Sie jedes … durch das, was gilt; die Anführungszeichen bleiben. Was Sie nicht wissen, streichen Sie samt der Zeile; headline und summary müssen bleiben.",
            "Replace every … by what holds; the quotation marks stay. What you do not know, remove with its line; headline and summary must stay."
        ));
        self.note(&said!(
            "Dann: rundruf preview DATEI zeigt, was hinausgeht; rundruf publish DATEI --wait veröffentlicht es. Zeilen mit # davor zählen nicht.",
            "Then: rundruf preview FILE shows what will go out; rundruf publish FILE --wait publishes it. Lines that begin with # do not count."
        ));
        self.gap();
    }

    /// The last notice seen.
    pub fn seen(&mut self, after: u32) {
        self.line(format!("after = {after}"));
        self.note(&if after == 0 {
            said!(
                "after = 0: Sie kennen noch keine Meldung dazu. Hat inzwischen jemand eine veröffentlicht, erscheint diese nicht, und Sie erfahren es.",
                "after = 0: you know of no notice yet. Where somebody has published one meanwhile, this one does not appear and you are told."
            )
        } else {
            said!(
                "after = {after}: Sie kennen alles bis Meldung {after}. Ist inzwischen eine neuere da, erscheint diese nicht, und Sie erfahren es.",
                "after = {after}: you know everything up to notice {after}. Where there is a newer one by then, this one does not appear and you are told."
            )
        });
    }

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
        self.gap();
        self.line("kind = \"correction\"");
        self.which(standing, occasion, &said!(
            "Welche Meldung war falsch? Eingetragen ist die neueste; möglich sind:",
            "Which notice was wrong? The newest is entered; possible are:"
        ));
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
        self.gap();
        self.line("kind = \"retraction\"");
        self.which(standing, occasion, &said!(
            "Welche Meldung nehmen Sie zurück? Eingetragen ist die neueste; möglich sind:",
            "Which notice do you take back? The newest is entered; possible are:"
        ));
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

    /// Fields that a notice can do without.
    pub fn more(&mut self, kind: Form) {
        self.section(&said!(
            "Wenn Sie mehr sagen wollen: # entfernen.",
            "To say more: remove the #."
        ));
        self.off("body = \"…\"           # Markdown");
        if kind != Form::Retraction {
            self.off("short = \"…\"          # SMS");
        }
        self.off("cleared_with = \"…\"");
        self.note(&said!(
            "body: ausführlicher, mit Absätzen. short: für SMS und kurze Beiträge. cleared_with: mit wem abgestimmt; bleibt intern.",
            "body: in detail, with paragraphs. short: for SMS and short posts. cleared_with: with whom it is agreed; stays internal."
        ));
    }

    /// The number people can call, of a first notice; and how facts are written.
    pub fn contact(&mut self, publisher: &Publisher) {
        self.section(&said!(
            "Wo sind Sie zu erreichen? Rufen Sie die Nummer an, bevor Sie sie veröffentlichen.",
            "Where can you be reached? Call the number before you publish it."
        ));
        self.line("[contact.zentrale]");
        match &publisher.phone {
            Some(phone) => self.text("phone", phone),
            None => self.waits("phone"),
        }
        self.section(&said!(
            "Was geht, was nicht, und wo? Beispiele:",
            "What works, what does not, and where? Examples:"
        ));
        let (online, hall) = (
            self.word(&said!("Online-Dienste", "Online services")),
            self.word(&said!("Rathaus", "Town hall")),
        );
        for line in [
            "[contact.email]",
            "state = \"off\"",
            "[service.online]",
            &format!("name = \"{online}\""),
            "state = \"off\"",
            "[place.rathaus]",
            &format!("name = \"{hall}\""),
            "state = \"open\"",
            "[unknown.ende]",
            "text = \"…\"",
        ] {
            self.off(line);
        }
    }

    /// What holds now, as comments.
    pub fn live(&mut self, view: &IncidentView, publisher: &Publisher, kind: Form) {
        let facts = view.facts.written(publisher);
        if facts.is_empty() {
            return;
        }
        self.section(&said!(
            "Das gilt zurzeit, und es gilt ohne Ihr Zutun weiter. Was sich geändert hat: bei der Überschrift in Klammern und bei den Zeilen, die anders werden, das # entfernen. Was vorbei ist: die Überschrift, und darunter ended = true.",
            "This holds now, and goes on without you. What has changed: remove the # at the heading in brackets and at the lines that change. What is over: the heading, and below it ended = true."
        ));
        if kind == Form::RolledBack {
            self.note(&said!(
                "Dienste, die wieder aus sind, bekommen state = \"rolled-back\".",
                "Services that are off again get state = \"rolled-back\"."
            ));
        }
        for fact in facts {
            self.gap();
            let (number, at) = (fact.touched, shown(publisher, fact.as_of));
            let from = self.word(&said!("Meldung {number}, Stand {at}", "notice {number}, as of {at}"));
            for (n, line) in fact.lines.iter().enumerate() {
                // Behind the heading, so that a whole block can be made to count.
                self.off(&if n == 0 { format!("{line}  # {from}") } else { line.clone() });
            }
        }
    }

    /// The publisher's other languages.
    pub fn languages(&mut self, publisher: &Publisher) {
        let others: Vec<Lang> = publisher.languages.iter().skip(1).copied().collect();
        if others.is_empty() {
            return;
        }
        let first = publisher.first_language();
        self.section(&said!(
            "In anderen Sprachen; fehlt eine, erscheint die Meldung dort auf {first}, mit einem Satz, der das sagt.",
            "In other languages; where one is missing the notice appears there in {first}, with a sentence that says so."
        ));
        for lang in others {
            self.off(&format!("[text.{lang}]"));
            self.off("headline = \"…\"");
            self.off("summary = \"…\"");
        }
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
        let today = occasion.now.to_zoned_datetime(occasion.publisher.timezone.clone()).date();
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

    fn which(&mut self, standing: &[&NoticeView], occasion: &Occasion<'_>, asks: &Said) {
        self.section(asks);
        for view in standing {
            let notice = &view.notice;
            let headline = notice.words.get(&occasion.publisher.first_language());
            let headline = one_line(&headline.map(|w| w.headline.clone()).unwrap_or_default());
            let (number, at) = (notice.number, shown(occasion.publisher, notice.as_of));
            self.note(&said!(
                "— {number} (Stand {at}): {headline}",
                "— {number} (as of {at}): {headline}"
            ));
        }
        let newest = standing.last().map_or(0, |n| n.notice.number);
        self.line(format!("corrects = [{newest}]"));
    }
}

/// A text of a person within a comment: a line break would end the comment.
fn one_line(text: &str) -> String {
    text.split(char::is_whitespace)
        .filter(|w| !w.is_empty())
        .map(|w| w.chars().filter(|c| !c.is_control()).collect::<String>())
        .collect::<Vec<_>>()
        .join(" ")
}

fn shown(publisher: &Publisher, at: Timestamp) -> String {
    at.to_zoned_datetime(publisher.timezone.clone())
        .strftime("%Y-%m-%d %H:%M")
        .to_string()
}
