//! What a correction or retraction cannot do any more: whoever got the wrong words is kept no longer (`store.keep`).

use super::board::day;
use super::{Office, Prepared};
use crate::domain::words::Kind;
use crate::said;
use crate::store::{Store, StoreError};
use crate::text::said::Said;

/// On which channels nobody knows any more who has what it corrects or takes back.
pub async fn warnings(office: &Office, store: &dyn Store, prepared: &Prepared) -> Result<Vec<Said>, StoreError> {
    let notice = &prepared.resolved.notice;
    if notice.kind == Kind::Notice {
        return Ok(Vec::new());
    }
    let incidents = store.incidents(Some(&notice.publisher)).await?;
    let Some(incident) = incidents.iter().find(|row| row.slug == notice.incident) else {
        return Ok(Vec::new());
    };
    let zone = office
        .publisher(&notice.publisher)
        .map_or(jiff::tz::TimeZone::UTC, |p| p.timezone.clone());
    let goes_by = |channel: &str| prepared.rendered.iter().any(|rendered| rendered.channel == channel);
    let mut warnings = Vec::new();
    for row in store.broadcasts(Some(incident.id)).await? {
        let Some(at) = row.removed_ms.filter(|_| row.counters.opened > 0) else {
            continue;
        };
        if notice.corrects.contains(&row.number) && goes_by(&row.channel) {
            let (number, channel, Said { de, en }) = (row.number, &row.channel, day(at, &zone));
            warnings.push(match notice.kind {
                Kind::Retraction => said!(
                    "{channel}: Wer Meldung {number} bekommen hat, ist seit dem {de} nicht mehr gespeichert (store.keep). Von der Rücknahme erfährt dort niemand; sie steht auf der Seite, in den Feeds und bei den Konten.",
                    "{channel}: who got notice {number} is stored no longer since {en} (store.keep). Nobody there hears that it is taken back; the page, the feeds and the accounts say so."
                ),
                _ => said!(
                    "{channel}: Wer Meldung {number} bekommen hat, ist seit dem {de} nicht mehr gespeichert (store.keep). Die Berichtigung geht dort an alle, die sie betrifft, auch an solche, die das Falsche nie hatten.",
                    "{channel}: who got notice {number} is stored no longer since {en} (store.keep). The correction goes to everybody there whom it concerns, also to those who never had the wrong words."
                ),
            });
        }
    }
    Ok(warnings)
}
