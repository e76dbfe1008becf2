//! `rundruf preview NOTICE|-`: what was filled in, what is new, and each channel's text exactly as it will go.

use clap::Args;
use serde_json::json;

use super::output::{Failure, Output, wrap};
use super::price::{self, Bill, Lists};
use super::{Globals, publish};
use crate::app::App;
use crate::clock::Ms;
use crate::domain::draft;
use crate::domain::incident::{Change, FactChange};
use crate::domain::when::When;
use crate::publication::{Office, Prepared, Rendered, Wishes, known_incidents, removed};
use crate::render::compose::unit_in_words;
use crate::said;
use crate::store::Variant;
use crate::text::lang::Lang;
use crate::text::said::Said;

/// Arguments of `preview`.
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// The notice file; `-` reads standard input.
    pub notice: String,
    /// Only this channel.
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// Only this language.
    #[arg(long, value_name = "LANG")]
    pub lang: Option<Lang>,
    /// As if it were published at this moment (RFC 3339).
    #[arg(long, value_name = "T")]
    pub now: Option<jiff::Timestamp>,
}

/// Runs the command.
pub async fn run(globals: &Globals, args: PreviewArgs, out: &Output) -> Result<u8, Failure> {
    let bytes = publish::read_notice(&args.notice)?;
    let draft = draft::read(&args.notice, &bytes).map_err(Failure::Notice)?;
    let loaded = App::load_existing(&globals.config, &globals.data).await?;
    let office = match &loaded {
        Ok(open) => &open.office,
        Err(app) => &app.office,
    };
    let now = args
        .now
        .map_or_else(|| office.clock.now_ms(), jiff::Timestamp::as_millisecond);
    let (known, lists) = match &loaded {
        Ok(open) => {
            let known = known_incidents(open.store.as_ref(), draft.incident_named(), now).await?;
            (known, Lists::read(open).await?)
        }
        Err(_) => (Vec::new(), Lists::default()),
    };
    let wishes = Wishes {
        channels: args.channel.into_iter().collect(),
        ..Wishes::default()
    };
    let mut prepared = office.prepare(&draft, &known, &wishes, now)?;
    if let Ok(open) = &loaded {
        let more = removed::warnings(office, open.store.as_ref(), &prepared).await?;
        prepared.resolved.warnings.extend(more);
    }
    let bill = Bill::of_notice(office, &prepared, &lists);
    show(office, &prepared, &bill, args.lang, now, out)
}

/// What cannot be called back: to how many, at what price; and what is wrong with the lists, which is `publish`'s to refuse.
fn cost(bill: &Bill, out: &Output) {
    for fault in &bill.faults {
        bullet(out, "!", &fault.line_for(out.german));
    }
    if !bill.costs.is_empty() {
        let Said { de, en } = price::list(&bill.costs);
        out.say(&said!("Nicht zurückzuholen: {de}.", "Cannot be called back: {en}."));
    }
}

/// Prints a prepared notice; 1 where something does not fit.
pub fn show(
    office: &Office,
    prepared: &Prepared,
    bill: &Bill,
    lang: Option<Lang>,
    now: Ms,
    out: &Output,
) -> Result<u8, Failure> {
    let notice = &prepared.resolved.notice;
    let fits = texts(prepared, lang).all(|(_, _, v)| !v.fit.shortened && v.fit.limit.is_none_or(|l| v.fit.length <= l));
    let number = notice.number;
    let slug = format!("{}/{}", notice.publisher, notice.incident);
    out.say(&said!(
        "Vorschau: Meldung {number} von {slug}. Nichts ist veröffentlicht.",
        "Preview: notice {number} of {slug}. Nothing is published."
    ));
    out.text("");
    for said in &prepared.resolved.filled {
        bullet(out, "·", said.in_german(out.german));
    }
    times(office, prepared, now, out);
    for said in &prepared.resolved.warnings {
        bullet(out, "!", said.in_german(out.german));
    }
    facts(prepared, out);
    for (rendered, lang, variant) in texts(prepared, lang) {
        out.text("");
        out.text(&format!(
            "── {} ({}, {}) {}",
            rendered.channel,
            rendered.kind,
            lang,
            measure(variant, out.german)
        ));
        // Of a mail, what stands above its text.
        if let Some(subject) = variant.payload["subject"].as_str() {
            out.say(&said!("Betreff: {subject}\n", "Subject: {subject}\n"));
        }
        out.text(&variant.text);
    }
    for rendered in &prepared.rendered {
        let (channel, kind) = (&rendered.channel, &rendered.kind);
        let spoken: Vec<&str> = rendered.variants.keys().map(|lang| lang.tag()).collect();
        if spoken.is_empty() {
            // A website shows every language of its publisher.
            let link = office.link(notice);
            out.text("");
            out.text(&format!("── {channel} ({kind}) {link}"));
        } else if lang.is_some_and(|lang| !rendered.variants.contains_key(&lang)) {
            let spoken = spoken.join(", ");
            out.text("");
            out.say(&said!(
                "── {channel} ({kind}) spricht nur: {spoken}",
                "── {channel} ({kind}) speaks only: {spoken}"
            ));
        }
    }
    out.text("");
    cost(bill, out);
    if fits {
        out.say(&said!("Alles passt.", "Everything fits."));
    } else {
        out.say(&said!(
            "Nicht alles passt: Was zu lang ist, wird wie gezeigt gekürzt. Mit short = \"…\" schreiben Sie selbst eine kurze Fassung.",
            "Not everything fits: what is too long is shortened as shown. With short = \"…\" you write a short version yourself."
        ));
    }
    out.answer(&json!({
        "fits": fits, "notice": notice, "new_incident": prepared.resolved.new_incident,
        "filled": prepared.resolved.filled.iter().map(|s| &s.en).collect::<Vec<_>>(),
        "warnings": prepared.resolved.warnings.iter().map(|s| &s.en).collect::<Vec<_>>(),
        "facts": crate::domain::incident::preview_changes(&prepared.view), "expired": prepared.view.expired,
        "channels": prepared.rendered, "link": office.link(notice), "costs": bill.costs,
        "faults": bill.faults.iter().map(|fault| fault.line_for(false)).collect::<Vec<_>>(),
    }));
    Ok(u8::from(!fits))
}

fn texts(prepared: &Prepared, lang: Option<Lang>) -> impl Iterator<Item = (&Rendered, Lang, &Variant)> {
    prepared.rendered.iter().flat_map(move |rendered| {
        rendered
            .variants
            .iter()
            .filter(move |(l, _)| lang.is_none_or(|only| only == **l))
            .map(move |(l, v)| (rendered, *l, v))
    })
}

/// A line with a mark in front, wrapped.
pub fn bullet(out: &Output, mark: &str, text: &str) {
    for (n, line) in wrap(text, 76).iter().enumerate() {
        out.text(&format!("{} {line}", if n == 0 { mark } else { " " }));
    }
}

/// As-of and promise said in words. That a promise has passed already is among the warnings.
fn times(office: &Office, prepared: &Prepared, now: Ms, out: &Output) {
    let notice = &prepared.resolved.notice;
    let Some(publisher) = office.publisher(&notice.publisher) else {
        return;
    };
    let zone = &publisher.timezone;
    let say = |at: jiff::Timestamp| crate::publication::board::clock_time(at.as_millisecond(), now, zone);
    // Without an as-of of its own the notice says so among what was filled in.
    if notice.as_of != notice.published {
        let as_of = say(notice.as_of);
        bullet(
            out,
            "·",
            said!("Stand: {as_of} Uhr", "as of {as_of}").in_german(out.german),
        );
    }
    if let Some(next) = &notice.next {
        let said = match &next.at {
            When::Exact { at } => {
                let at = say(*at);
                said!("Nächste Information: {at} Uhr", "Next information: {at}")
            }
            When::Day { date } => {
                let (de, en) = (date.strftime("%d.%m.%Y"), date.strftime("%-d %B %Y"));
                said!(
                    "Nächste Information: {de}, im Lauf des Tages",
                    "Next information: {en}, in the course of the day"
                )
            }
            When::Vague { words, .. } => said!("Nächste Information: {words}", "Next information: {words}"),
        };
        bullet(out, "·", said.in_german(out.german));
    }
}

fn facts(prepared: &Prepared, out: &Output) {
    let changes = crate::domain::incident::preview_changes(&prepared.view);
    for (change, word) in [
        (Change::New, said!("neu", "new")),
        (Change::Changed, said!("geändert", "changed")),
        (Change::Ended, said!("beendet", "ended")),
        (Change::Carried, said!("gilt weiter", "carried over")),
        (Change::Expired, said!("abgelaufen", "expired")),
    ] {
        let names: Vec<String> = changes
            .iter()
            .filter(|c: &&FactChange| c.change == change)
            .map(|c| called(c, out.german))
            .collect();
        if !names.is_empty() {
            bullet(
                out,
                "·",
                &format!("{}: {}", word.in_german(out.german), names.join(" · ")),
            );
        }
    }
}

/// A fact as people call it: by its name; where it is a bare number, by its id too ("zentrale: 115").
fn called(change: &FactChange, german: bool) -> String {
    let table = match (change.table, german) {
        ("service", true) => "Leistung",
        ("contact", true) => "Kontakt",
        ("place", true) => "Ort",
        ("assured", true) => "gesichert",
        ("unaffected", true) => "nicht betroffen",
        ("finding", true) => "Befund",
        ("unknown", true) => "offene Frage",
        ("question", true) => "Frage",
        ("said", true) => "Zitat",
        ("event", true) => "Verlauf",
        (other, _) => other,
    };
    format!("{table} {}: {}", change.id, change.name)
}

/// "312 von 500 graphemes, gekürzt" and what it costs.
pub(super) fn measure(variant: &Variant, german: bool) -> String {
    let fit = &variant.fit;
    let mut out = match fit.limit {
        Some(limit) if german => format!(
            "{} von höchstens {limit} {}",
            fit.length,
            unit_in_words(&fit.unit, german)
        ),
        Some(limit) => format!("{} of at most {limit} {}", fit.length, unit_in_words(&fit.unit, german)),
        None => format!("{} {}", fit.length, unit_in_words(&fit.unit, german)),
    };
    if let Some(encoding) = &fit.encoding {
        out.push_str(&format!(", {}", encoding.to_uppercase()));
    }
    if !fit.costly.is_empty() {
        let costly: String = fit.costly.iter().map(|c| format!(" {c}")).collect();
        out.push_str(&if german {
            format!(", teuer durch:{costly}")
        } else {
            format!(", costly by:{costly}")
        });
    }
    if !fit.replaced.is_empty() {
        let list: Vec<String> = fit.replaced.iter().map(|(a, b)| format!("{a} → {b}")).collect();
        out.push_str(&format!(
            ", {} {}",
            if german { "ersetzt:" } else { "replaced:" },
            list.join(" ")
        ));
    }
    if fit.shortened {
        out.push_str(if german { ", gekürzt" } else { ", shortened" });
    }
    if !fit.left_out.is_empty() {
        let list = fit.left_out.join(", ");
        out.push_str(&if german {
            format!(", ohne {list} (steht auf der Seite)")
        } else {
            format!(", without {list} (on the page)")
        });
    }
    if fit.language_missing {
        out.push_str(if german {
            ", Text in dieser Sprache fehlt"
        } else {
            ", no text in this language"
        });
    }
    out
}
