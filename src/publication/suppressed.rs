//! Whom a channel does not write to, and whose servers are not believed: the sentences that `status` and the list of channels show.

use jiff::tz::TimeZone;

use super::board::dotted;
use crate::clock::timestamp;
use crate::said;
use crate::store::{Doubted, Suppressed, SuppressedBecause, SuppressedCount};
use crate::text::said::Said;

/// Why somebody is written to no more, as it stands in a table; of what only one machine has said, when.
pub fn because(of: &Suppressed, zone: &TimeZone) -> Said {
    match of.because {
        SuppressedBecause::Unsubscribed => said!("hat sich abgemeldet", "has unsubscribed"),
        SuppressedBecause::Bounced => said!("ist dort unbekannt", "is unknown there"),
        SuppressedBecause::ByHand => said!("von Hand", "by hand"),
        SuppressedBecause::Gone => {
            let day = timestamp(of.at_ms).to_zoned_datetime(zone.clone());
            let day = day.strftime("%d.%m.");
            said!("410 am {day}", "410 on {day}")
        }
    }
}

/// How many a channel does not write to, and why.
pub fn counted(of: &SuppressedCount) -> Said {
    let parts = [
        (of.unsubscribed, "abgemeldet", "unsubscribed"),
        (of.bounced, "unbekannt", "unknown"),
        (of.by_hand, "von Hand", "by hand"),
        (of.gone, "mit 410 beendet", "ended by a 410"),
    ];
    let parts = parts.iter().filter(|(n, ..)| *n > 0);
    let (de, en): (Vec<_>, Vec<_>) = parts
        .map(|(n, de, en)| (format!("{} {de}", dotted(*n)), format!("{n} {en}")))
        .unzip();
    let (de, en) = (de.join(", "), en.join(", "));
    let all = of.unsubscribed + of.bounced + of.by_hand + of.gone;
    let shown = dotted(all);
    match all {
        1 => said!("1 Adresse gesperrt ({de})", "1 address suppressed ({en})"),
        _ => said!("{shown} Adressen gesperrt ({de})", "{all} addresses suppressed ({en})"),
    }
}

/// Too many of an audience were called unknown at once.
pub fn doubted(of: &Doubted) -> Said {
    let Doubted {
        channel,
        domain,
        addresses,
        ..
    } = of;
    let shown = dotted(*addresses);
    match domain {
        Some(domain) => said!(
            "{channel}: {domain} hat in den letzten sieben Tagen {shown} Adressen als unbekannt gemeldet, zu viele auf einmal. Wahrscheinlich war dort etwas gestört; diese Berichte zählen nicht, und niemand wurde ihretwegen gesperrt.",
            "{channel}: {domain} called {addresses} addresses unknown in the last seven days, too many at once. Something there was probably out of order; these reports do not count, and nobody was suppressed because of them."
        ),
        None => said!(
            "{channel}: In den letzten sieben Tagen wurden {shown} Adressen vieler Domains als unbekannt gemeldet, zu viele auf einmal. Wahrscheinlich war der eigene Mailserver oder ein großer Anbieter gestört; diese Berichte zählen nicht, und niemand wurde ihretwegen gesperrt.",
            "{channel}: {addresses} addresses of many domains were called unknown in the last seven days, too many at once. Our own mail server or a large provider was probably out of order; these reports do not count, and nobody was suppressed because of them."
        ),
    }
}
