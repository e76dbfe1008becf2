//! `rundruf channel release`: who gets what, how many, how fast, what was collapsed; then it goes. Pressed twice it is one release.

use std::collections::BTreeMap;

use serde_json::json;

use super::{act, find, not_serving};
use crate::app::Open;
use crate::cli::confirm;
use crate::cli::output::{Failure, Output};
use crate::cli::price::{self, Cost};
use crate::clock::Ms;
use crate::domain::delivery::{BroadcastState, Gate, GateCause};
use crate::ids::NoticeSeq;
use crate::lane_core::probation::{Probed, Verdict};
use crate::lane_core::ramp::Ramp;
use crate::said;
use crate::store::{Board, BroadcastRow, DueCut, GateChange, LaneRow, Lanes, Rate, Variant};
use crate::text::lang::Lang;
use crate::text::said::Said;

/// What a release would bring out.
struct Preview {
    /// Notice number and messages, in order.
    notices: Vec<(u32, u64)>,
    /// Digests: the notice that each is the broadcast of, and those that it sums up beside it, newest first.
    digests: Vec<(u32, Vec<u32>)>,
    costs: Vec<Cost>,
    /// Numbers of notices that a newer one has made unnecessary while they waited.
    collapsed: Vec<u32>,
    ramp: Option<Ramp>,
    /// The domain that gets the most, and how much; where domains have a rate of their own.
    largest: Option<(String, u64)>,
}

impl Preview {
    async fn of(open: &Open, lane: &LaneRow) -> Result<Self, Failure> {
        let rows = open.store.broadcasts(None).await?;
        let mut costs = Vec::new();
        let mut notices = Vec::new();
        let over = open.store.leap().await?.is_none().then(|| open.office.clock.now_ms());
        let due = open.store.due_cuts(lane.id, over).await?;
        let number = |notice: &NoticeSeq| rows.iter().find(|row| row.notice == *notice).map(|row| row.number);
        // What waits in a cut already, and what one will be made of.
        let cuts = rows
            .iter()
            .filter(|row| row.waiting_on(lane.id) > 0 && !row.covers.is_empty());
        let mut digests: BTreeMap<u32, Vec<u32>> = cuts
            .map(|row| (row.number, row.covers.iter().filter_map(number).collect()))
            .collect();
        let summed_up = |row: &BroadcastRow| {
            let of = due.iter().find(|cut| cut.incident == row.incident);
            row.lane == lane.id && of.is_some_and(|cut| cut.covers.contains(&row.notice))
        };
        // What has run out goes no more, also where nobody was there yet to end it.
        let waits = |row: &BroadcastRow| match row.expires_ms {
            Some(at) if Some(at) <= over => 0,
            _ => row.waiting_on(lane.id),
        };
        for row in &rows {
            // Also what came from a channel that this one stands in for.
            let waiting = waits(row);
            if waiting > 0 && summed_up(row) {
                digests.remove(&row.number);
            } else if waiting > 0 {
                let cut = due.iter().find(|cut| cut.broadcast == row.id);
                if let Some(cut) = cut {
                    digests.insert(row.number, cut.covers.iter().filter_map(number).collect());
                }
                let texts = texts(open, row, cut).await?;
                costs.push(Cost::of(&open.office, &lane.name, waiting, &texts));
                notices.push((row.number, waiting));
            }
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
            digests: digests.into_iter().collect(),
            costs,
            collapsed,
            ramp,
            largest: domains.into_iter().max_by_key(|(_, messages)| *messages),
        })
    }

    fn messages(&self) -> u64 {
        self.costs.iter().map(|cost| cost.people).sum()
    }

    /// All of it, sentence by sentence.
    fn said(&self, name: &str) -> Said {
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
        for (n, covers) in &self.digests {
            let list: Vec<String> = covers.iter().map(ToString::to_string).collect();
            let (list, all) = (list.join(", "), covers.len() + 1);
            let more = said!(
                " Meldung {n} geht als Zusammenfassung von {all} Meldungen (auch {list}); wer die früheren schon hat, bekommt nur sie.",
                " Notice {n} goes as a digest of {all} notices (also {list}); whoever has the earlier ones gets it alone."
            );
            said.de.push_str(&more.de);
            said.en.push_str(&more.en);
        }
        said
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

/// The texts that would go: of a cut that is due the digest as it would be written now, or the newest notice alone where that costs more.
async fn texts(open: &Open, row: &BroadcastRow, due: Option<&DueCut>) -> Result<BTreeMap<Lang, Variant>, Failure> {
    let mut texts = open.store.texts(row.id).await?;
    if let Some(due) = due {
        texts.digest = open.office.digest(open.store.as_ref(), due).await?.texts;
    }
    Ok(texts.dearest())
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

/// Shows what would go, asks, releases.
pub(super) async fn release(
    open: &Open,
    name: &str,
    override_reason: Option<String>,
    yes: bool,
    out: &Output,
) -> Result<u8, Failure> {
    let lane = find(open, name).await?;
    let preview = Preview::of(open, &lane).await?;
    let messages = preview.messages();
    if lane.gate != Gate::Held {
        // The same word twice is one release.
        out.say(&said!("{name} ist schon freigegeben.", "{name} is released already."));
        out.answer(&answer(name, lane.gate, &preview, lane.epoch));
        return Ok(0);
    }
    if let Some(probed) = failing(&lane)
        && override_reason.is_none()
    {
        return Err(Failure::Refused(against(name, probed)));
    }
    // Where nothing waits nothing is to be asked, and a page can be put right at any time.
    if messages > 0 && lane.kind != "website" {
        confirm::ask(out, &preview.said(name), yes)?;
    }
    let gate = if preview.ramp.is_some() {
        Gate::Draining
    } else {
        Gate::Open
    };
    // The epoch shown is the one released: whoever held it again meanwhile wins.
    let change = GateChange {
        lane: lane.id,
        gate,
        cause: GateCause::Person,
        expected_epoch: Some(lane.epoch),
        // A person's words, in whatever language they wrote them.
        reason: override_reason.as_deref().map(Said::quoted),
    };
    let mut act = act(open, "release", name);
    if failing(&lane).is_some() {
        act.details = json!({ "override": true });
    }
    let row = open.store.set_gate(&change, &act).await?;
    crate::store::owner::wake(&open.office.settings.data);
    out.say(&said!("{name} ist freigegeben.", "{name} is released."));
    if messages > 0 {
        not_serving(open, out);
    }
    out.answer(&answer(name, row.gate, &preview, row.epoch));
    Ok(0)
}

fn answer(name: &str, gate: Gate, preview: &Preview, epoch: i64) -> serde_json::Value {
    json!({
        "channel": name, "gate": gate, "epoch": epoch, "notices": preview.notices.len(), "messages": preview.messages(),
        "collapsed": preview.collapsed,
        "digests": preview.digests.iter().map(|(n, covers)| json!({ "number": n, "covers": covers })).collect::<Vec<_>>(),
        "per_minute": preview.ramp.map(|ramp| ramp.per_minute(0)),
    })
}

/// The probe's newest word, where it says that it does not work.
fn failing(lane: &LaneRow) -> Option<&Probed> {
    lane.probe
        .as_ref()
        .filter(|probed| matches!(probed.verdict, Verdict::Bad | Verdict::CameBack))
}

fn against(name: &str, probed: &Probed) -> Said {
    let Said { de, en } = &probed.text;
    said!(
        "Die Probe von {name} misslingt: {de}. Nichts wurde freigegeben. Trotzdem: rundruf channel release {name} --override \"GRUND\"",
        "The probe of {name} fails: {en}. Nothing was released. To do it all the same: rundruf channel release {name} --override \"REASON\""
    )
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
            digests: vec![(3, vec![2])],
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
