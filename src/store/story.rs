//! Single deliveries as people see them: the list of a broadcast, and one delivery's whole story.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::marks::{AFTER_UNKNOWN, BY_RECEIPT, DECIDED, lacks, passed};
use super::rows::{from_word, listed, said};
use super::texts::{OWN, texts};
use super::{DeliveryRow, Fit, StoreError, Story, StoryEvent, Variant, board, lanes};
use crate::domain::delivery::{DeliveryState, Operation};
use crate::domain::outcome::Remote;
use crate::ids::{BroadcastId, DeliveryId, RecipientId};

fn read(row: &SqliteRow) -> Result<DeliveryRow, StoreError> {
    Ok(DeliveryRow {
        id: DeliveryId(row.try_get("id")?),
        broadcast: BroadcastId(row.try_get("broadcast")?),
        recipient: RecipientId(row.try_get("recipient")?),
        state: listed(DeliveryState::from_stored(row.try_get("state")?), "a delivery's state")?,
        operation: listed(Operation::from_stored(row.try_get("operation")?), "an operation")?,
        attempt: row.try_get("attempt")?,
        due_ms: row.try_get("due")?,
        changed_ms: row.try_get("changed")?,
        remote: Remote {
            id: row.try_get("remote_id")?,
            url: row.try_get("remote_url")?,
        },
        text: said(row.try_get("text")?),
        via: row.try_get("via_name")?,
    })
}

/// Deliveries of a broadcast, at most `limit`, in order of recipients.
pub(super) async fn list(
    pool: &SqlitePool,
    broadcast: BroadcastId,
    state: Option<DeliveryState>,
    limit: u32,
) -> Result<Vec<DeliveryRow>, StoreError> {
    // delivery_of (broadcast, recipient); primary key (delivery, n) of attempt from its end.
    let rows = sqlx::query(
        "SELECT d.*, (SELECT a.text FROM attempt a WHERE a.delivery = d.id ORDER BY a.n DESC LIMIT 1) AS text,
           (SELECT name FROM lane l WHERE l.id = d.via) AS via_name
         FROM delivery d WHERE d.broadcast = ?1 AND (?2 IS NULL OR d.state = ?2) ORDER BY d.recipient LIMIT ?3",
    )
    .bind(broadcast.0)
    .bind(state.map(|s| s as i64))
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(read).collect()
}

/// Everything known of one delivery.
pub(super) async fn explain(pool: &SqlitePool, delivery: DeliveryId) -> Result<Option<Story>, StoreError> {
    // Primary keys of delivery, broadcast and target; (lane, seq) of recipient.
    let row = sqlx::query(concat!(
        "SELECT d.*, NULL AS text, (SELECT name FROM lane l WHERE l.id = d.via) AS via_name, r.address, r.lang, t.address AS target, t.failures AS target_failures, t.due AS target_due,
           t.text AS target_text, ",
        lacks!("d.recipient"),
        " AS lacks, ",
        passed!(),
        " AS passed
         FROM delivery d JOIN broadcast b ON b.id = d.broadcast
           LEFT JOIN recipient r ON r.lane = b.lane AND r.seq = d.recipient
           LEFT JOIN target t ON b.shape = 2 AND t.id = d.recipient WHERE d.id = ?"
    ))
    .bind(delivery.0)
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mut delivery = read(&row)?;
    let Some(broadcast) = board::one(pool, delivery.broadcast.0).await? else {
        return Ok(None);
    };
    let mut connection = pool.acquire().await?;
    // Whoever sends it now is the channel that people have to look at.
    let via: Option<i64> = row.try_get("via")?;
    let lane = lanes::one(&mut connection, via.unwrap_or(broadcast.lane.0)).await?;
    let texts = texts(&mut connection, &[broadcast.id.0])
        .await?
        .remove(&broadcast.id.0)
        .unwrap_or_default();
    // What has gone, or goes on with its words, and else what would go now.
    let open = delivery.state == DeliveryState::Waiting
        && row.try_get::<i64, _>("flags")? & (AFTER_UNKNOWN | DECIDED) != AFTER_UNKNOWN
        && row.try_get::<i64, _>("step")? == 0;
    let told = match open {
        false => row.try_get("told")?,
        true if row.try_get("lacks")? => texts.newest(),
        true => OWN,
    };
    let tells = tells(&mut connection, broadcast.id.0, told).await?;
    let variant = match texts.pick(told, from_word(row.try_get("lang")?)) {
        Some((_, variant)) => Variant::clone(&variant),
        // A website has no text of its own: it shows the notice.
        None => Variant {
            format: 0,
            first: None,
            text: String::new(),
            payload: serde_json::Value::Null,
            fit: Fit::default(),
        },
    };
    drop(connection);
    let mut events = events(pool, &row, broadcast.created_ms, &delivery).await?;
    let target: Option<String> = row.try_get("target")?;
    if target.is_some() && delivery.state == DeliveryState::Waiting {
        // A website is brought up to date as a whole: what its target met is what became of this notice there.
        delivery.due_ms = row.try_get("target_due")?;
        delivery.attempt = row.try_get("target_failures")?;
        if let Some(text) = said(row.try_get("target_text")?) {
            events.push(StoryEvent {
                at_ms: broadcast.changed_ms,
                what: "failed".to_owned(),
                attempt: Some(delivery.attempt),
                reason: None,
                text: Some(text),
            });
        }
    }
    delivery.text = events.iter().rev().find_map(|e| e.text.clone());
    Ok(Some(Story {
        passed: row.try_get("passed")?,
        variant,
        tells,
        // A target's address is our own and holds no secret.
        address: match target {
            Some(target) => Some(target),
            None => row.try_get::<Option<String>, _>("address")?.map(|a| mask(&a)),
        },
        lane,
        broadcast,
        delivery,
        events,
    }))
}

/// The numbers of the notices that a text tells beside its own, newest first.
async fn tells(c: &mut SqliteConnection, broadcast: i64, told: i64) -> Result<Vec<u32>, StoreError> {
    // Primary keys of digest_tells (broadcast, cut, …) and notice.
    Ok(sqlx::query_scalar(
        "SELECT n.number FROM digest_tells k CROSS JOIN notice n ON n.id = k.notice WHERE k.broadcast = ? AND k.cut = ? ORDER BY n.id DESC",
    )
    .bind(broadcast)
    .bind(told)
    .fetch_all(c)
    .await?)
}

async fn events(
    pool: &SqlitePool,
    row: &SqliteRow,
    created: i64,
    delivery: &DeliveryRow,
) -> Result<Vec<StoryEvent>, StoreError> {
    let event = |at_ms, what: &str, attempt| StoryEvent {
        at_ms,
        what: what.to_owned(),
        attempt,
        reason: None,
        text: None,
    };
    let mut events = vec![event(created, "created", None)];
    let started = row.try_get("first_started")?;
    if delivery.attempt > 0 {
        events.push(event(started, "started", Some(1)));
    }
    // Primary key (delivery, n).
    let lines = sqlx::query("SELECT at, what, attempt, reason, text FROM attempt WHERE delivery = ? ORDER BY n")
        .bind(delivery.id.0)
        .fetch_all(pool)
        .await?;
    for line in &lines {
        events.push(StoryEvent {
            at_ms: line.try_get("at")?,
            what: line.try_get("what")?,
            attempt: Some(line.try_get("attempt")?),
            reason: from_word(line.try_get("reason")?),
            text: said(line.try_get("text")?),
        });
    }
    if row.try_get::<i64, _>("flags")? & BY_RECEIPT != 0 {
        events.push(event(delivery.changed_ms, "receipt", Some(delivery.attempt)));
    }
    if delivery.attempt > 0 || delivery.state.ended() {
        let mut now = event(
            delivery.changed_ms,
            &super::rows::word(delivery.state)?,
            Some(delivery.attempt),
        );
        now.reason = from_word(row.try_get("reason")?);
        events.push(now);
    }
    Ok(events)
}

/// Enough to recognise somebody by, too little to reach them: `+49171…42`, `a…@example.org`, `https://example.org/…`.
fn mask(address: &str) -> String {
    if let Ok(url) = url::Url::parse(address)
        && let Some(host) = url.host_str()
    {
        return format!("{}://{host}/…", url.scheme());
    }
    if let Some((name, domain)) = address.split_once('@') {
        let first: String = name.chars().take(1).collect();
        return format!("{first}…@{domain}");
    }
    let signs: Vec<char> = address.chars().collect();
    if signs.len() < 9 {
        return "…".to_owned();
    }
    let head: String = signs.iter().take(6).collect();
    let tail: String = signs.iter().skip(signs.len() - 2).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn a_masked_address_cannot_be_reached() {
        assert_eq!(mask("+491711234542"), "+49171…42");
        assert_eq!(mask("anna.müller@example.org"), "a…@example.org");
        assert_eq!(mask("https://hook.example/secret/path?x=1"), "https://hook.example/…");
        assert_eq!(mask("115"), "…");
    }
}
