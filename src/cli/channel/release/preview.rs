//! What a release would bring out: who gets what, how many, how fast, what was collapsed, and the digests as they would be written now.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::app::Open;
use crate::cli::output::{Failure, Output};
use crate::cli::preview::measure;
use crate::cli::price::{self, Cost};
use crate::clock::Ms;
use crate::domain::delivery::{BroadcastState, Gate};
use crate::ids::NoticeSeq;
use crate::lane_core::ramp::Ramp;
use crate::said;
use crate::store::{Board, BroadcastRow, DueCut, FrozenTexts, LaneRow, Lanes, Rate, Variant};
use crate::text::lang::Lang;
use crate::text::said::Said;

/// What a release would bring out.
pub(super) struct Preview {
    /// Notice number and messages, in order.
    notices: Vec<(u32, u64)>,
    /// Digests, in order.
    digests: Vec<Digest>,
    costs: Vec<Cost>,
    /// Numbers of notices that a newer one has made unnecessary while they waited.
    collapsed: Vec<u32>,
    ramp: Option<Ramp>,
    /// The domain that gets the most, and how much; where domains have a rate of their own.
    largest: Option<(String, u64)>,
}

/// A digest that would go.
#[derive(Default)]
struct Digest {
    /// The notice that it is the broadcast of.
    number: u32,
    /// Those that it sums up beside that, newest first.
    covers: Vec<u32>,
    /// Its texts, where a channel has a limit to them.
    short: BTreeMap<Lang, Variant>,
    /// Why it cannot be written.
    fault: Option<Said>,
}

impl Preview {
    pub(super) async fn of(open: &Open, lane: &LaneRow) -> Result<Self, Failure> {
        let rows = open.store.broadcasts(None).await?;
        let mut costs = Vec::new();
        let mut notices = Vec::new();
        let over = open.store.leap().await?.is_none().then(|| open.office.clock.now_ms());
        let due = open.store.due_cuts(lane.id, over).await?;
        let number = |notice: &NoticeSeq| rows.iter().find(|row| row.notice == *notice).map(|row| row.number);
        let mut digests = Vec::new();
        for row in &rows {
            // What has run out goes no more, also where nobody was there yet to end it.
            if row.expires_ms.is_some_and(|at| Some(at) <= over) {
                continue;
            }
            let of = |cut: &&DueCut| row.lane == lane.id && cut.incident == row.incident;
            let part = |cut: &&DueCut| cut.broadcast == row.id || cut.covers.contains(&row.notice);
            let part = due.iter().filter(of).find(part);
            let waiting = waiting(open, row, lane, part).await?;
            if waiting == 0 {
                continue;
            }
            // What waits in a cut already, or what one will be made of.
            let cut = part.filter(|cut| cut.broadcast == row.id);
            let (texts, fault) = texts(open, row, cut).await?;
            let covers = cut.map_or(&row.covers, |cut| &cut.covers);
            if !covers.is_empty() {
                let short = texts.digest.iter().filter(|(_, text)| text.fit.limit.is_some());
                digests.push(Digest {
                    number: row.number,
                    covers: covers.iter().filter_map(number).collect(),
                    short: short.map(|(lang, text)| (*lang, text.clone())).collect(),
                    fault,
                });
            }
            costs.push(Cost::of(&open.office, &lane.name, waiting, &texts.dearest()));
            notices.push((row.number, waiting));
        }
        let collapsed = rows
            .iter()
            .filter(|row| row.lane == lane.id)
            .filter(|row| row.state == BroadcastState::Superseded && row.changed_ms >= lane.gate_since_ms)
            .filter(|row| row.summed_up_in.is_none())
            .map(|row| row.number)
            .collect();
        let configured = open.office.channels.iter().find(|c| c.settings.name == lane.name);
        let ramp = configured.and_then(|c| c.settings.common.release.ramp);
        let domains = match ramp.filter(|ramp| ramp.per_domain.is_some()) {
            Some(_) => open.store.domains(lane.id).await?,
            None => BTreeMap::new(),
        };
        Ok(Self {
            notices,
            digests,
            costs,
            collapsed,
            ramp,
            largest: domains.into_iter().max_by_key(|(_, messages)| *messages),
        })
    }

    pub(super) fn messages(&self) -> u64 {
        self.costs.iter().map(|cost| cost.people).sum()
    }

    /// All of it, sentence by sentence.
    pub(super) fn said(&self, name: &str) -> Said {
        let Said { mut de, mut en } = what_goes(name, self.notices.len(), self.messages());
        let mut add = |more: Said| {
            de.push_str(&more.de);
            en.push_str(&more.en);
        };
        add(price::sum(&self.costs));
        add(Said::quoted("."));
        if self.notices.len() > 1 {
            let list: Vec<String> = self.notices.iter().map(|(n, of)| format!("{n}: {of}")).collect();
            let list = list.join(", ");
            add(said!(
                " Empfänger je Meldung: {list}.",
                " Recipients of each notice: {list}."
            ));
        }
        add(self.digests_said());
        add(self.collapsed_said());
        if let Some(ramp) = self.ramp {
            add(how_fast(ramp, self.messages(), self.largest.as_ref()));
        }
        Said { de, en }
    }

    fn digests_said(&self) -> Said {
        let mut said = Said::default();
        for digest in &self.digests {
            let list: Vec<String> = digest.covers.iter().map(ToString::to_string).collect();
            let (n, list, all) = (digest.number, list.join(", "), digest.covers.len() + 1);
            let more = match &digest.fault {
                None => said!(
                    " Meldung {n} geht als Zusammenfassung von {all} Meldungen (auch {list}); wer die früheren schon hat, bekommt nur sie.",
                    " Notice {n} goes as a digest of {all} notices (also {list}); whoever has the earlier ones gets it alone."
                ),
                Some(Said { de, en }) => said!(
                    " Meldung {n} soll als Zusammenfassung von {all} Meldungen gehen (auch {list}), die sich nicht schreiben lässt: {de}. Bis das behoben ist, warten sie.",
                    " Notice {n} is to go as a digest of {all} notices (also {list}), which cannot be written: {en}. Until that is mended they wait."
                ),
            };
            said.de.push_str(&more.de);
            said.en.push_str(&more.en);
        }
        said
    }

    /// The digests that had to be made to fit, as they would go.
    pub(super) fn show(&self, lane: &LaneRow, out: &Output) {
        for (digest, (lang, text)) in self
            .digests
            .iter()
            .flat_map(|d| d.short.iter().map(move |text| (d, text)))
        {
            let (n, name, kind, measure) = (digest.number, &lane.name, &lane.kind, measure(text, out.german));
            out.say(&said!(
                "── Zusammenfassung zu Meldung {n}: {name} ({kind}, {lang}) {measure}",
                "── Digest of notice {n}: {name} ({kind}, {lang}) {measure}"
            ));
            out.text(&text.text);
            out.text("");
        }
    }

    /// The same for programs.
    pub(super) fn answer(&self, name: &str, gate: Gate, epoch: i64) -> Value {
        let digest = |digest: &Digest| {
            let mut said = json!({ "number": digest.number, "covers": digest.covers });
            if !digest.short.is_empty() {
                said["texts"] = json!(digest.short);
            }
            if let Some(fault) = &digest.fault {
                said["fault"] = json!(fault.en);
            }
            said
        };
        json!({
            "channel": name, "gate": gate, "epoch": epoch, "notices": self.notices.len(), "messages": self.messages(),
            "collapsed": self.collapsed, "digests": self.digests.iter().map(digest).collect::<Vec<_>>(),
            "per_minute": self.ramp.map(|ramp| ramp.per_minute(0)),
        })
    }

    /// It goes by and by.
    pub(super) fn drains(&self) -> bool {
        self.ramp.is_some()
    }

    fn collapsed_said(&self) -> Said {
        let list: Vec<String> = self.collapsed.iter().map(ToString::to_string).collect();
        let list = list.join(", ");
        match self.collapsed.len() {
            0 => Said::default(),
            1 => said!(
                " Meldung {list} entfällt, eine neuere ersetzt sie.",
                " Notice {list} is left out, a newer one replaces it."
            ),
            _ => said!(
                " Die Meldungen {list} entfallen, neuere ersetzen sie.",
                " Notices {list} are left out, newer ones replace them."
            ),
        }
    }
}

/// How many it goes to by this lane: everybody whom the digest is for, also whoever has had the newest notice's turn before; of what is summed up only
/// whoever gets something of it all the same. Of an audience not what was expected at publication, but who is there and written to now.
async fn waiting(open: &Open, row: &BroadcastRow, lane: &LaneRow, cut: Option<&DueCut>) -> Result<u64, Failure> {
    if row.lane == lane.id && row.audience && (cut.is_some() || row.waiting() > 0) {
        return Ok(open.store.reach(row.id, cut).await?);
    }
    // Also what came from a channel that this one stands in for.
    let summed_up = cut.is_some_and(|cut| cut.broadcast != row.id);
    Ok(if summed_up { 0 } else { row.waiting_on(lane.id) })
}

/// The texts that would go, of a cut that is due the digest as it would be written now; or why it cannot.
async fn texts(open: &Open, row: &BroadcastRow, due: Option<&DueCut>) -> Result<(FrozenTexts, Option<Said>), Failure> {
    let mut texts = open.store.texts(row.id).await?;
    let Some(due) = due else { return Ok((texts, None)) };
    match open.office.digest(open.store.as_ref(), due).await {
        Ok(frozen) => texts.digest = frozen.texts,
        Err(error) => {
            let fault = error.unwritten().ok_or_else(|| Failure::from(error))?;
            return Ok((texts, Some(fault)));
        }
    }
    Ok((texts, None))
}

/// The first rate, how it grows, how long it takes at least.
fn how_fast(ramp: Ramp, messages: u64, largest: Option<&(String, u64)>) -> Said {
    let first = written(ramp.start);
    let double = if ramp.double_ms % 60_000 == 0 {
        format!("{} min", ramp.double_ms / 60_000)
    } else {
        format!("{} s", ramp.double_ms / 1_000)
    };
    let least = ramp.takes_ms(messages, largest.map_or(0, |(_, messages)| *messages));
    let Said { de: d, en: e } = long(least);
    let Said { mut de, mut en } = said!(
        " Es beginnt mit höchstens {first} und verdoppelt sich alle {double}; für alle mindestens {d}.",
        " It begins with at most {first} and doubles every {double}; for all at least {e}."
    );
    if let Some(rate) = ramp.per_domain {
        let most = written(rate);
        let Said { de: d, en: e } = said!(
            " An einen Mailanbieter gehen höchstens {most}.",
            " One domain gets at most {most}."
        );
        de.push_str(&d);
        en.push_str(&e);
    }
    // Where one domain takes longer than all others together, a person can do something about it.
    if let Some((domain, n)) = largest.filter(|_| least > ramp.takes_ms(messages, 0)) {
        let Said { de: d, en: e } = said!(
            " Am längsten dauern die {n} an {domain}.",
            " The {n} to {domain} take longest."
        );
        de.push_str(&d);
        en.push_str(&e);
    }
    Said { de, en }
}

/// Rounded up, in a unit that can be imagined.
fn long(ms: Ms) -> Said {
    let minutes = (ms.max(1) + 59_999).div_euclid(60_000);
    let (hours, days) = ((minutes + 59) / 60, (minutes + 1_439) / 1_440);
    match minutes {
        ..=180 => said!("{minutes} min", "{minutes} min"),
        181..=2_880 => said!("{hours} Stunden", "{hours} hours"),
        _ => said!("{days} Tage", "{days} days"),
    }
}

/// As in the configuration: `200/min`.
fn written(rate: Rate) -> String {
    let unit = match rate.per_ms {
        1_000 => "s",
        60_000 => "min",
        3_600_000 => "h",
        _ => "d",
    };
    format!("{}/{unit}", rate.count)
}

fn what_goes(name: &str, notices: usize, messages: u64) -> Said {
    match (notices, messages) {
        (1, 1) => said!(
            "{name} wird freigegeben: 1 Meldung geht jetzt hinaus",
            "{name} will be released: 1 notice goes out now"
        ),
        (1, _) => said!(
            "{name} wird freigegeben: 1 Meldung geht jetzt an {messages} Empfänger hinaus",
            "{name} will be released: 1 notice goes out to {messages} recipients now"
        ),
        _ => said!(
            "{name} wird freigegeben: {notices} Meldungen mit zusammen {messages} Sendungen gehen jetzt hinaus",
            "{name} will be released: {notices} notices with {messages} messages in all go out now"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gets_what_and_how_fast() {
        let cost = |people| Cost {
            channel: "email".to_owned(),
            people,
            ..Cost::default()
        };
        let mut preview = Preview {
            notices: vec![(2, 12), (3, 400)],
            costs: vec![cost(12), cost(400)],
            digests: vec![Digest {
                number: 3,
                covers: vec![2],
                ..Digest::default()
            }],
            collapsed: vec![1],
            ramp: Some(Ramp {
                start: Rate {
                    count: 200,
                    per_ms: 60_000,
                },
                double_ms: 600_000,
                per_domain: Some(Rate {
                    count: 20,
                    per_ms: 60_000,
                }),
            }),
            largest: Some(("gross.example".to_owned(), 40)),
        };
        assert_eq!(
            preview.said("email").de,
            "email wird freigegeben: 2 Meldungen mit zusammen 412 Sendungen gehen jetzt hinaus. Empfänger je Meldung: 2: 12, 3: 400. \
             Meldung 3 geht als Zusammenfassung von 2 Meldungen (auch 2); wer die früheren schon hat, bekommt nur sie. \
             Meldung 1 entfällt, eine neuere ersetzt sie. Es beginnt mit höchstens 200/min und verdoppelt sich alle 10 min; \
             für alle mindestens 3 min. An einen Mailanbieter gehen höchstens 20/min."
        );
        for (messages, words) in [
            (300, "mindestens 15 min"),
            (7_200, "mindestens 6 Stunden"),
            (86_400, "mindestens 3 Tage"),
        ] {
            preview.largest = Some(("gross.example".to_owned(), messages));
            let said = preview.said("email").de;
            assert!(said.contains(words), "{said}");
            assert!(
                said.ends_with(&format!("Am längsten dauern die {messages} an gross.example.")),
                "{said}"
            );
        }
    }
}
