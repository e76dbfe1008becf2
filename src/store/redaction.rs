//! Words are taken out of a published notice (`retract --redact`): out of the notice, out of the incident's title, and out of every frozen text. Where
//! a message may be there and nobody knows, the words it began with are kept beside its row (`withdrawn`) until it has settled, because by them
//! its post is found again and not sent twice; a text of a channel that is not configured can be rendered by nobody, and stays until the channel
//! is dropped or configured again. Both are named to whoever asked.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::{SqliteConnection, SqlitePool};

use super::marks::{AFTER_UNKNOWN, DECIDED};
use super::rows::{from_word, lang_word, listed};
use super::texts::{Texts, texts};
use super::{Act, FrozenTexts, Missing, Redaction, StillThere, StoreError, Variant, audit, targets};
use crate::domain::delivery::DeliveryState;
use crate::domain::notice::Notice;
use crate::ids::{BroadcastId, DeliveryId};
use crate::text::lang::Lang;

/// Takes a field out of a notice and out of its frozen texts; the salted hash stays. Returns where the words still are.
pub(super) async fn redact(
    c: &mut SqliteConnection,
    redaction: &Redaction,
    act: &Act,
) -> Result<Vec<StillThere>, StoreError> {
    retitle(c, redaction).await?;
    // Primary key.
    let done = sqlx::query("UPDATE notice SET body = ?, redacted = ? WHERE id = ?")
        .bind(serde_json::to_string(&redaction.redacted)?)
        .bind(&redaction.hash)
        .bind(redaction.notice.0)
        .execute(&mut *c)
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound(Missing::Notice(redaction.notice.0)));
    }
    // Primary key of notice; broadcast_incident (incident, …).
    let broadcasts: Vec<i64> = sqlx::query_scalar(
        "SELECT b.id FROM notice n CROSS JOIN broadcast b ON b.incident = n.incident AND b.number >= n.number WHERE n.id = ?",
    )
    .bind(redaction.notice.0)
    .fetch_all(&mut *c)
    .await?;
    let unsettled = unsettled(c, &broadcasts, &redaction.looks_up).await?;
    let broadcasts = Vec::from_iter(unsettled.iter().map(|row| row.broadcast));
    let before = texts(c, &broadcasts).await?;
    write(c, &redaction.texts).await?;
    digests_without(c, redaction).await?;
    let after = texts(c, &broadcasts).await?;
    keep(c, &unsettled, &before, &after).await?;
    unrendered(c, redaction).await?;
    // Every target gets the site without it, also those that are up to date.
    targets::raise_all(c).await?;
    audit::append(c, act).await?;
    still_there(c, redaction).await
}

/// A channel is configured again, and what it may say of removed words is rendered without them.
pub(super) async fn rendered(
    c: &mut SqliteConnection,
    again: &[(BroadcastId, FrozenTexts)],
    looks_up: &[String],
) -> Result<(), StoreError> {
    let broadcasts = Vec::from_iter(again.iter().map(|(broadcast, _)| broadcast.0));
    let unsettled = unsettled(c, &broadcasts, looks_up).await?;
    let before = texts(c, &broadcasts).await?;
    write(c, again).await?;
    let after = texts(c, &broadcasts).await?;
    keep(c, &unsettled, &before, &after).await?;
    // Primary key (broadcast, …).
    sqlx::query("DELETE FROM unrendered WHERE broadcast IN (SELECT value FROM json_each(?))")
        .bind(serde_json::to_string(&broadcasts)?)
        .execute(c)
        .await?;
    Ok(())
}

/// Puts these texts in the place of those that stand there; of digests that of the last one, and only that is left.
async fn write(c: &mut SqliteConnection, rendered: &[(BroadcastId, FrozenTexts)]) -> Result<(), StoreError> {
    for (broadcast, texts) in rendered {
        for (lang, text) in &texts.own {
            // Primary key (broadcast, lang).
            sqlx::query("UPDATE variant SET format = ?, body = ? WHERE broadcast = ? AND lang = ?")
                .bind(text.format)
                .bind(serde_json::to_string(text)?)
                .bind(broadcast.0)
                .bind(lang_word(*lang)?)
                .execute(&mut *c)
                .await?;
        }
        for (lang, text) in &texts.digest {
            // Primary key (broadcast, cut, lang): of the last cut.
            sqlx::query(
                "UPDATE digest SET body = ?1 WHERE broadcast = ?2 AND lang = ?3 AND cut = (SELECT max(cut) FROM digest WHERE broadcast = ?2)",
            )
            .bind(serde_json::to_string(text)?)
            .bind(broadcast.0)
            .bind(lang_word(*lang)?)
            .execute(&mut *c)
            .await?;
        }
        // Primary key of digest. Digests that were written again say it too, and nobody renders them.
        sqlx::query(
            "DELETE FROM digest WHERE broadcast = ?1 AND cut < (SELECT max(cut) FROM digest WHERE broadcast = ?1)",
        )
        .bind(broadcast.0)
        .execute(&mut *c)
        .await?;
    }
    Ok(())
}

/// A row of which nobody knows whether its message is there.
#[derive(Debug)]
struct Unsettled {
    id: i64,
    broadcast: i64,
    told: i64,
    lang: Option<Lang>,
}

impl Unsettled {
    /// With which words it began.
    fn words(&self, texts: &HashMap<i64, Texts>) -> Option<Arc<Variant>> {
        Some(texts.get(&self.broadcast)?.pick(self.told, self.lang)?.1)
    }
}

/// Those of these broadcasts on lanes that find their posts again by the words.
async fn unsettled(
    c: &mut SqliteConnection,
    broadcasts: &[i64],
    looks_up: &[String],
) -> Result<Vec<Unsettled>, StoreError> {
    // Primary keys of broadcast and lane; delivery_of (broadcast, …): of an account one row.
    let rows: Vec<(i64, i64, i64, Option<String>)> = sqlx::query_as(
        "SELECT d.id, b.id, d.told, r.lang FROM json_each(?1) j CROSS JOIN broadcast b ON b.id = j.value
           CROSS JOIN lane h ON h.id = b.lane AND (b.n_moved > 0 OR h.name IN (SELECT value FROM json_each(?4)))
           CROSS JOIN delivery d ON d.broadcast = b.id AND (d.state = 4 OR d.state = 1 OR (d.state = 0 AND d.flags & ?2 = ?3))
           CROSS JOIN lane l ON l.id = coalesce(d.via, b.lane) LEFT JOIN recipient r ON r.lane = b.lane AND r.seq = d.recipient
         WHERE l.name IN (SELECT value FROM json_each(?4))",
    )
    .bind(serde_json::to_string(broadcasts)?)
    .bind(AFTER_UNKNOWN | DECIDED)
    .bind(AFTER_UNKNOWN)
    .bind(serde_json::to_string(looks_up)?)
    .fetch_all(c)
    .await?;
    let unsettled = rows.into_iter().map(|(id, broadcast, told, lang)| Unsettled {
        id,
        broadcast,
        told,
        lang: from_word(lang),
    });
    Ok(unsettled.collect())
}

/// The words that have just gone stay with those that may have gone out with them. What a row began with before an earlier redaction stays.
async fn keep(
    c: &mut SqliteConnection,
    unsettled: &[Unsettled],
    before: &HashMap<i64, Texts>,
    after: &HashMap<i64, Texts>,
) -> Result<(), StoreError> {
    for row in unsettled {
        let Some(was) = row.words(before) else { continue };
        if row.words(after).is_none_or(|is| is.text != was.text) {
            // Primary key.
            sqlx::query("INSERT INTO withdrawn (delivery, text) VALUES (?, ?) ON CONFLICT DO NOTHING")
                .bind(row.id)
                .bind(&was.text)
                .execute(&mut *c)
                .await?;
        }
    }
    Ok(())
}

/// Notes what is to take the place of texts that nobody can render.
async fn unrendered(c: &mut SqliteConnection, redaction: &Redaction) -> Result<(), StoreError> {
    for (broadcast, texts) in &redaction.unrendered {
        for (lang, text) in texts {
            // Primary key (broadcast, lang).
            sqlx::query("INSERT OR REPLACE INTO unrendered (broadcast, lang, body) VALUES (?, ?, ?)")
                .bind(broadcast.0)
                .bind(lang_word(*lang)?)
                .bind(serde_json::to_string(text)?)
                .execute(&mut *c)
                .await?;
        }
    }
    Ok(())
}

/// A channel is dropped: nothing of it goes any more, and its texts that nobody could render lose their words.
pub(super) async fn drop_unrendered(c: &mut SqliteConnection, lane: i64) -> Result<(), StoreError> {
    for sql in [
        // unrendered holds few; primary keys of broadcast, variant and digest.
        "UPDATE variant SET body = u.body FROM unrendered u CROSS JOIN broadcast b ON b.id = u.broadcast
         WHERE b.lane = ?1 AND variant.broadcast = u.broadcast AND variant.lang = u.lang",
        "DELETE FROM digest WHERE broadcast IN (SELECT u.broadcast FROM unrendered u CROSS JOIN broadcast b ON b.id = u.broadcast WHERE b.lane = ?1)",
        "DELETE FROM unrendered WHERE broadcast IN (SELECT u.broadcast FROM unrendered u CROSS JOIN broadcast b ON b.id = u.broadcast WHERE b.lane = ?1)",
    ] {
        sqlx::query(sql).bind(lane).execute(&mut *c).await?;
    }
    Ok(())
}

/// How many texts with such words there are.
pub(super) async fn kept(pool: &SqlitePool) -> Result<i64, StoreError> {
    // Both hold few.
    Ok(
        sqlx::query_scalar("SELECT (SELECT count(*) FROM withdrawn) + (SELECT count(*) FROM unrendered)")
            .fetch_one(pool)
            .await?,
    )
}

/// Where the words of this incident's redactions still are.
async fn still_there(c: &mut SqliteConnection, redaction: &Redaction) -> Result<Vec<StillThere>, StoreError> {
    // withdrawn and unrendered hold few; primary keys.
    let rows: Vec<(String, u32, Option<i64>, Option<i64>)> = sqlx::query_as(
        "SELECT l.name, b.number, d.id, d.state FROM withdrawn w CROSS JOIN delivery d ON d.id = w.delivery
           CROSS JOIN broadcast b ON b.id = d.broadcast CROSS JOIN notice n ON n.incident = b.incident
           CROSS JOIN lane l ON l.id = coalesce(d.via, b.lane) WHERE n.id = ?1
         UNION SELECT l.name, b.number, NULL, NULL FROM unrendered u CROSS JOIN broadcast b ON b.id = u.broadcast
           CROSS JOIN notice n ON n.incident = b.incident CROSS JOIN lane l ON l.id = b.lane WHERE n.id = ?1 AND NOT l.configured
         ORDER BY 1, 2, 3",
    )
    .bind(redaction.notice.0)
    .fetch_all(c)
    .await?;
    let place = |(channel, number, delivery, state): (_, _, Option<i64>, Option<i64>)| {
        let delivery = match (delivery, state) {
            (Some(id), Some(state)) => {
                let state = listed(DeliveryState::from_stored(state), "a delivery's state")?;
                Some((DeliveryId(id), state))
            }
            _ => None,
        };
        Ok(StillThere {
            channel,
            number,
            delivery,
        })
    };
    rows.into_iter().map(place).collect()
}

/// Digests that tell the notice and that nobody has rendered again, because a later notice took it back or a newer digest has their place: their
/// texts go. What waits has its digest written again.
async fn digests_without(c: &mut SqliteConnection, redaction: &Redaction) -> Result<(), StoreError> {
    // Primary keys of notice, digest_tells and cut; broadcast_incident (incident, …).
    let stale: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT t.id, k.cut FROM notice n CROSS JOIN broadcast t ON t.incident = n.incident AND t.number > n.number
           CROSS JOIN digest_tells k ON k.broadcast = t.id AND k.notice = n.id
         WHERE n.id = ?1 AND NOT (k.cut = (SELECT max(cut) FROM digest WHERE broadcast = t.id)
           AND EXISTS (SELECT 1 FROM cut s WHERE s.broadcast = t.id AND s.notice = n.id))",
    )
    .bind(redaction.notice.0)
    .fetch_all(&mut *c)
    .await?;
    for (broadcast, cut) in stale {
        // Primary keys. The last one is what starts next.
        sqlx::query(
            "UPDATE broadcast SET uncut = EXISTS (SELECT 1 FROM cut WHERE broadcast = ?1)
             WHERE id = ?1 AND ?2 = (SELECT max(cut) FROM digest WHERE broadcast = ?1)",
        )
        .bind(broadcast)
        .bind(cut)
        .execute(&mut *c)
        .await?;
        sqlx::query("DELETE FROM digest WHERE broadcast = ? AND cut = ?")
            .bind(broadcast)
            .bind(cut)
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}

/// An incident is called as its first notice says, or like that notice itself: the removed words go there, too.
async fn retitle(c: &mut SqliteConnection, redaction: &Redaction) -> Result<(), StoreError> {
    // Primary key.
    let old: Option<String> = sqlx::query_scalar("SELECT body FROM notice WHERE id = ?")
        .bind(redaction.notice.0)
        .fetch_optional(&mut *c)
        .await?;
    let Some(old) = old else { return Ok(()) };
    let old: Notice = serde_json::from_str(&old)?;
    let new = &redaction.redacted;
    let headlines = old.words.iter().map(|(lang, words)| {
        let now = new.words.get(lang).map(|now| now.headline.clone());
        (Some(words.headline.clone()), now)
    });
    let titles = headlines.chain([(old.title.clone(), new.title.clone())]);
    for (before, now) in titles.filter(|(before, now)| before != now) {
        // Primary keys.
        sqlx::query(
            "UPDATE incident SET title = ? WHERE title = ? AND id = (SELECT incident FROM notice WHERE id = ?)",
        )
        .bind(now)
        .bind(before)
        .bind(redaction.notice.0)
        .execute(&mut *c)
        .await?;
    }
    Ok(())
}
