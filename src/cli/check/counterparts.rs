//! Certificates and clocks of everybody the configuration names by a web address, the public page included.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::own_domains::{is_loopback, walk};
use super::{Group, Line, Moment};
use crate::net::look::{Seen, Unseen, look};
use crate::publication::Office;
use crate::said;
use crate::settings::RawTable;
use crate::text::said::Said;

/// How long a counterpart may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A certificate that ends within so many days is worth a word.
const SOON_DAYS: i64 = 14;
/// A certificate that ends within so many days must be renewed now.
const NOW_DAYS: i64 = 2;
/// How far the clock may be off: within the five minutes that signed webhooks allow (Standard Webhooks), and no reader notices.
const CLOCK: SignedDuration = SignedDuration::from_secs(60);

/// What is seen at them; `None` where there are none.
pub async fn group(office: &Office, moment: Moment) -> Option<Group> {
    let origins = origins(&office.settings.raw);
    if origins.is_empty() {
        return None;
    }
    let looks = join_all(origins.iter().map(|origin| async move {
        let seen = look(origin, TIMEOUT).await;
        (origin, seen, office.clock.now())
    }))
    .await;
    let mut lines: Vec<Line> = Vec::new();
    let mut silent = Vec::new();
    let mut clocks = Vec::new();
    for (origin, seen, now) in &looks {
        let host = host(origin);
        match seen {
            Ok(Seen { certificate_ends, date }) => {
                lines.extend(certificate_ends.map(|ends| certificate(&host, ends, *now)));
                clocks.extend(date.map(|date| (host.clone(), now.duration_since(date))));
            }
            Err(Unseen::Failed(failure)) => silent.push((host, failure.said())),
            Err(fault) => lines.push(bad_certificate(&host, fault)),
        }
    }
    if !silent.is_empty() {
        lines.extend(unreachable(&silent, silent.len() == looks.len(), moment));
    }
    lines.extend(clock(&mut clocks));
    Some(Group::new(
        "counterparts",
        said!("Erreichbarkeit, Zertifikate, Uhr", "Reach, certificates, clock"),
        lines,
    ))
}

/// The hosts of all web addresses of the configuration that have a certificate or a clock of their own: not a plain service of
/// this machine.
fn origins(raw: &RawTable) -> BTreeSet<Url> {
    let mut found = BTreeSet::new();
    walk(raw, &mut |_, text, _| {
        let Ok(url) = Url::parse(text.trim()) else { return };
        let (scheme, with_tls) = match url.scheme() {
            "https" | "webdavs" => ("https", true),
            // A bucket on this machine is asked without TLS.
            "s3" => ("https", false),
            "http" => ("http", false),
            _ => return,
        };
        let Some(host) = url.host_str() else { return };
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let origin = Url::parse(&format!("{scheme}://{host}{port}/"));
        found.extend(origin.ok().filter(|origin| with_tls || !is_loopback(origin)));
    });
    found
}

fn host(origin: &Url) -> String {
    let host = origin.host_str().unwrap_or_default();
    origin
        .port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn certificate(host: &str, ends: Timestamp, now: Timestamp) -> Line {
    let days = ends.duration_since(now).as_hours().div_euclid(24);
    let (de, en) = (ends.strftime("%d.%m.%Y"), ends.strftime("%-d %B %Y"));
    let text = |what: &Said| {
        let (what_de, what_en) = (&what.de, &what.en);
        said!(
            "{host}: Das Zertifikat gilt noch {days} Tage, bis {de}.{what_de}",
            "{host}: the certificate holds for {days} more days, until {en}.{what_en}"
        )
    };
    if days >= SOON_DAYS {
        return Line::well(text(&said!("", "")));
    }
    if days >= NOW_DAYS {
        return Line::note(text(&said!(
            " Bitte sehen Sie nach, wer es erneuert und ob das von selbst geschieht.",
            " Please find out who renews it and whether that happens by itself."
        )));
    }
    Line::wrong(text(&said!(
        " Bitte heute erneuern (lassen); danach nimmt hier niemand mehr etwas an, auch Browser nicht.",
        " Please renew it today; after that nobody accepts it, browsers included."
    )))
}

fn bad_certificate(host: &str, fault: &Unseen) -> Line {
    Line::wrong(match fault {
        Unseen::Expired => said!(
            "{host}: Das Zertifikat ist abgelaufen; niemand erreicht diese Adresse mehr. Wer sie betreibt, muss es erneuern. (Oder die Uhr dieser Maschine geht falsch.)",
            "{host}: the certificate has run out; nobody reaches this address any more. Whoever runs it must renew it. (Or this machine's clock is wrong.)"
        ),
        Unseen::NotYetValid => said!(
            "{host}: Das Zertifikat gilt noch nicht. Wahrscheinlich geht die Uhr dieser Maschine nach; bitte stellen.",
            "{host}: the certificate does not hold yet. Probably this machine's clock is slow; please set it."
        ),
        Unseen::OtherName => said!(
            "{host}: Das Zertifikat gehört zu einer anderen Adresse. Bitte die Adresse prüfen; stimmt sie, muss ihr Betreiber das Zertifikat tauschen.",
            "{host}: the certificate belongs to another address. Please check the address; if it is right, its operator must change the certificate."
        ),
        // Not the counterpart's fault, so said once.
        Unseen::TrustsNobody => said!(
            "Dieser Maschine fehlen die Zertifikate des Systems: Sie vertraut keiner Gegenstelle, und über TLS geht nichts hinaus. Bitte installieren Sie ca-certificates und starten Sie rundruf serve neu.",
            "This machine has no certificates of the system: it trusts no counterpart, and nothing goes out by TLS. Please install ca-certificates and start rundruf serve again."
        ),
        Unseen::Untrusted | Unseen::Failed(_) => said!(
            "{host}: Das Zertifikat stammt von niemandem, dem diese Maschine vertraut. Fehlt ihr das Paket ca-certificates, oder der Gegenstelle das Zwischenzertifikat?",
            "{host}: the certificate was signed by nobody this machine trusts. Does it lack the package ca-certificates, or the counterpart its intermediate certificate?"
        ),
    })
}

/// Those that did not answer; `all`: nobody did.
fn unreachable(silent: &[(String, Said)], all: bool, moment: Moment) -> Vec<Line> {
    let hosts = silent
        .iter()
        .map(|(host, _)| host.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    if moment == Moment::First {
        return vec![Line::note(said!(
            "Ohne Antwort, also nicht angesehen: {hosts}. Vielleicht fehlt gerade das Netz, oder die Adresse gibt es noch nicht. Für den Anfang ist das in Ordnung: Meldungen lassen sich schreiben und veröffentlichen, was nicht hinausgeht, wartet. Später: rundruf check",
            "No answer, so not looked at: {hosts}. Perhaps there is no network now, or the address does not exist yet. That is fine to begin with: notices can be written and published, what cannot go out waits. Later: rundruf check"
        ))];
    }
    if all && silent.len() > 1 {
        return vec![Line::wrong(said!(
            "Keine Gegenstelle antwortet: {hosts}. Hat diese Maschine Netz und Namensauflösung? Was nicht hinausgeht, wartet und geht von selbst, sobald es wieder geht.",
            "No counterpart answers: {hosts}. Does this machine have a network and name resolution? What cannot go out waits, and goes by itself as soon as it can."
        ))];
    }
    silent
        .iter()
        .map(|(host, Said { de, en })| {
            Line::wrong(said!(
                "{host} ist nicht zu erreichen ({de}). Bitte Adresse und Netz prüfen.",
                "{host} cannot be reached ({en}). Check the address and the network."
            ))
        })
        .collect()
}

/// What this machine's clock is off by, as most of them see it; without most of them nobody knows whose clock is wrong.
fn clock(clocks: &mut [(String, SignedDuration)]) -> Option<Line> {
    clocks.sort_by_key(|(_, off)| *off);
    let (_, off) = clocks.get(clocks.len() / 2)?;
    let agree = clocks
        .iter()
        .filter(|(_, other)| (*other - *off).abs() <= CLOCK)
        .count();
    if agree * 2 <= clocks.len() || (clocks.len() == 1 && off.abs() > CLOCK) {
        let each = clocks
            .iter()
            .map(|(host, off)| format!("{host} {:+} min", off.as_mins()));
        let each = each.collect::<Vec<_>>().join(", ");
        return Some(Line::note(said!(
            "Die Uhren sind sich nicht einig; diese Maschine geht vor (+) oder nach (−) gegenüber: {each}. Bitte nachsehen, welche stimmt: timedatectl",
            "The clocks do not agree; this machine is fast (+) or slow (−) against: {each}. Please see which one is right: timedatectl"
        )));
    }
    let hosts = clocks
        .iter()
        .map(|(host, _)| host.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    if off.abs() <= CLOCK {
        return Some(Line::well(said!(
            "Die Uhr dieser Maschine stimmt mit anderen überein ({hosts}).",
            "This machine's clock agrees with others ({hosts})."
        )));
    }
    let minutes = off.abs().as_mins().max(1);
    let (de, en) = if off.is_positive() {
        ("vor", "fast")
    } else {
        ("nach", "slow")
    };
    Some(Line::wrong(said!(
        "Die Uhr dieser Maschine geht {minutes} min {de} (verglichen mit {hosts}). Zeiten auf der Seite stimmen dann nicht, und signierte Nachrichten werden abgewiesen. Bitte stellen: timedatectl set-ntp true",
        "This machine's clock is {minutes} min {en} (compared with {hosts}). Then times on the page are wrong and signed messages are refused. Please set it: timedatectl set-ntp true"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::Level;

    #[test]
    fn a_certificate_is_said_earlier_than_it_hurts() {
        let now: Timestamp = "2026-01-02T12:00:00Z".parse().unwrap();
        let level = |hours| certificate("a", now + SignedDuration::from_hours(hours), now).level;
        assert_eq!(
            [24 * 14, 24 * 14 - 1, 48, 47, 1, -1].map(level),
            [
                Level::Well,
                Level::Note,
                Level::Note,
                Level::Wrong,
                Level::Wrong,
                Level::Wrong
            ]
        );
    }

    #[test]
    fn one_wrong_clock_among_many_is_not_ours() {
        let clock = |minutes: &[i64]| {
            let mut clocks: Vec<_> = minutes
                .iter()
                .map(|m| ("a".to_owned(), SignedDuration::from_mins(*m)))
                .collect();
            clock(&mut clocks).map(|line| (line.level, line.text.en))
        };
        assert_eq!(clock(&[]), None);
        assert_eq!(clock(&[0, 300, 0]).unwrap().0, Level::Well);
        let (level, text) = clock(&[62, 63, 0]).unwrap();
        assert!(level == Level::Wrong && text.contains("62 min fast"), "{text}");
        // One alone, or two that differ, do not say whose clock is wrong.
        for doubtful in [&[-5][..], &[0, 300], &[-300, 0]] {
            let (level, text) = clock(doubtful).unwrap();
            assert!(level == Level::Note && text.contains("do not agree"), "{text}");
        }
        assert_eq!(clock(&[0, 0]).unwrap().0, Level::Well);
        assert!(clock(&[-5, -5]).unwrap().1.contains("5 min slow"));
    }
}
