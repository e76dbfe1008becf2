//! What a form says around the words it asks for: what it is, where it belongs, what holds now, other languages.

use jiff::Timestamp;

use super::page::Page;
use super::{Form, Occasion};
use crate::domain::incident::{IncidentView, NoticeView};
use crate::domain::publisher::Publisher;
use crate::domain::words::Kind;
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
            "Ausfüllen: In jeder Zeile ohne # davor das … ersetzen; die Anführungszeichen bleiben. Was Sie nicht wissen: die ganze Zeile streichen. headline und summary braucht es.",
            "To fill in: replace the … in every line that does not begin with #; the quotation marks stay. What you do not know: remove the whole line. headline and summary are needed."
        ));
        self.note(&said!(
            "Ansehen: rundruf preview DATEI — Veröffentlichen: rundruf publish DATEI --wait",
            "To look: rundruf preview FILE — to publish: rundruf publish FILE --wait"
        ));
    }

    /// What tells the notice's place; nobody needs to touch it.
    pub fn belongs(&mut self, kind: Form, publisher: Option<&str>, incident: Option<&str>, after: u32) {
        self.section(&if after == 0 {
            said!(
                "Bleibt so. after = 0: Sie kennen noch keine Meldung dazu. Hat inzwischen jemand eine veröffentlicht, erscheint diese nicht, und Sie erfahren es.",
                "Stays as it is. after = 0: you know of no notice yet. Where somebody has published one meanwhile, this one does not appear and you are told."
            )
        } else {
            said!(
                "Bleibt so. after = {after}: Sie kennen alles bis Meldung {after}. Ist inzwischen eine neuere da, erscheint diese nicht, und Sie erfahren es.",
                "Stays as it is. after = {after}: you know everything up to notice {after}. Where there is a newer one by then, this one does not appear and you are told."
            )
        });
        let kind = match kind {
            Form::Correction => Some(Kind::Correction.word()),
            Form::Retraction => Some(Kind::Retraction.word()),
            Form::First | Form::Update | Form::RolledBack => None,
        };
        for (key, word) in [("publisher", publisher), ("incident", incident), ("kind", kind)] {
            if let Some(word) = word {
                self.text(key, word);
            }
        }
        self.line(format!("after = {after}"));
    }

    /// Fields that a notice can do without.
    pub fn more(&mut self, kind: Form) {
        self.section(&said!(
            "Wenn Sie mehr sagen wollen: das # davor entfernen.",
            "To say more: remove the # in front."
        ));
        let (body, short, cleared) = (
            self.word(&said!("ausführlich, mit Absätzen", "in detail, with paragraphs")),
            self.word(&said!("für SMS und kurze Beiträge", "for SMS and short posts")),
            self.word(&said!(
                "mit wem abgestimmt; bleibt intern",
                "with whom it is agreed; stays internal"
            )),
        );
        if kind != Form::Retraction {
            self.off(&format!("body = \"…\"          # {body}"));
            self.off(&format!("short = \"…\"         # {short}"));
        }
        self.off(&format!("cleared_with = \"…\"  # {cleared}"));
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
            let (number, at) = (fact.touched, self.moment(publisher, fact.as_of));
            let from = self.word(&said!("Meldung {number}, Stand {at}", "notice {number}, as of {at}"));
            for (n, line) in fact.lines.iter().enumerate() {
                // Behind the heading, so that a whole block can be made to count.
                self.off(&if n == 0 {
                    format!("{line}  # {from}")
                } else {
                    line.clone()
                });
            }
        }
    }

    /// The publisher's other languages.
    pub fn languages(&mut self, publisher: &Publisher) {
        let others: Vec<Lang> = publisher.languages.iter().skip(1).copied().collect();
        if others.is_empty() {
            return;
        }
        let key = format!("language.in-{}", publisher.first_language());
        let (de, en) = (Words::of(Lang::De).get(&key), Words::of(Lang::En).get(&key));
        self.section(&said!(
            "In anderen Sprachen; fehlt eine, erscheint die Meldung dort {de}, mit einem Satz, der das sagt.",
            "In other languages; where one is missing the notice appears there {en}, with a sentence that says so."
        ));
        for lang in others {
            self.off(&format!("[text.{lang}]"));
            self.off("headline = \"…\"");
            self.off("summary = \"…\"");
        }
    }

    /// The notices that can be meant, the newest entered.
    pub fn which(&mut self, standing: &[&NoticeView], occasion: &Occasion<'_>, asks: &Said) {
        self.section(asks);
        for view in standing {
            let notice = &view.notice;
            let headline = notice.words.get(&occasion.publisher.first_language());
            let headline = one_line(&headline.map(|w| w.headline.clone()).unwrap_or_default());
            let (number, at) = (notice.number, self.moment(occasion.publisher, notice.as_of));
            self.note(&said!(
                "— {number} (Stand {at}): {headline}",
                "— {number} (as of {at}): {headline}"
            ));
        }
        let newest = standing.last().map_or(0, |n| n.notice.number);
        self.line(format!("corrects = [{newest}]"));
    }

    /// A moment as people write it in the language of the file.
    fn moment(&self, publisher: &Publisher, at: Timestamp) -> String {
        let at = at.to_zoned_datetime(publisher.timezone.clone());
        self.word(&Said {
            de: at.strftime("%d.%m.%Y, %H:%M").to_string(),
            en: at.strftime("%Y-%m-%d %H:%M").to_string(),
        })
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
