//! Whom a channel does not write to, and whose servers are not believed: the sentences that `status` and the list of channels show.

use crate::said;
use crate::store::Doubted;
use crate::text::said::Said;

/// A domain that calls many of an audience unknown at once.
pub fn doubted(of: &Doubted) -> Said {
    let Doubted {
        channel,
        domain,
        addresses,
        ..
    } = of;
    said!(
        "{channel}: {domain} hat binnen einer Stunde {addresses} Adressen als unbekannt gemeldet. Wahrscheinlich ist dort etwas gestört; niemand wurde gesperrt.",
        "{channel}: {domain} called {addresses} addresses unknown within an hour. Something there is probably out of order; nobody was suppressed."
    )
}
