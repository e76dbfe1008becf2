//! The model and a store side by side: what both hold, in one form, and where they differ.

use std::collections::BTreeMap;
use std::fmt::Debug;

use rundruf::domain::delivery::{BroadcastState, DeliveryState, Operation};
use rundruf::ids::{LaneId, NoticeSeq};
use rundruf::store::{Job, Sqlite};
use sqlx::{Connection, Row, SqliteConnection};

use crate::model::Model;

/// A delivery: lane, notice, address.
pub type Key = (LaneId, NoticeSeq, String);

/// A delivery's row as it is stored.
#[derive(Debug, PartialEq, Eq)]
pub struct SeenRow {
    state: DeliveryState,
    attempt: u32,
    due_ms: i64,
    first_started_ms: i64,
    changed_ms: i64,
    operation: Operation,
    step: u8,
    remote: Option<String>,
    via: Option<i64>,
    /// 1 may have got through, 4 by a receipt, 8 decided, 16 tried, 32 its turn comes later, 64 moved and not tried there, 128 a person wanted it again.
    marks: i64,
    /// The text it began with.
    told: i64,
}

/// A broadcast's row.
#[derive(Debug, PartialEq, Eq)]
pub struct SeenBroadcast {
    state: BroadcastState,
    superseded_by: Option<i64>,
    overtaken: bool,
    urgent: bool,
    /// What it sums up.
    covers: Vec<i64>,
    stale: bool,
    cursor: i64,
    /// Domains left out of its opening: how far, when again, how many waited.
    left: BTreeMap<String, (i64, i64, i64)>,
    /// Since when its rows are removed, and whether some may be left.
    removed: Option<i64>,
    removing: bool,
    opened: i64,
    counters: [i64; 10],
}

/// Everything that matters.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    rows: BTreeMap<Key, SeenRow>,
    broadcasts: BTreeMap<(LaneId, NoticeSeq), SeenBroadcast>,
}

/// A store that lets the tests look at its rows. A second store says here how.
pub trait Peek {
    async fn peek(&self) -> Seen;
}

impl Peek for Sqlite {
    async fn peek(&self) -> Seen {
        let mut c = SqliteConnection::connect(&format!("sqlite:{}", self.path().display()))
            .await
            .unwrap();
        let mut seen = Seen::default();
        let rows = sqlx::query(
            "SELECT d.*, b.lane, b.notice, coalesce(r.address, '') AS address FROM delivery d JOIN broadcast b ON b.id = d.broadcast
             LEFT JOIN recipient r ON r.lane = b.lane AND r.seq = d.recipient",
        )
        .fetch_all(&mut c)
        .await
        .unwrap();
        for row in rows {
            let n = |column: &str| row.get::<i64, _>(column);
            let key = (LaneId(n("lane")), NoticeSeq(n("notice")), row.get("address"));
            let one = SeenRow {
                state: DeliveryState::from_stored(n("state")).unwrap(),
                attempt: row.get("attempt"),
                due_ms: n("due"),
                first_started_ms: n("first_started"),
                changed_ms: n("changed"),
                operation: Operation::from_stored(n("operation")).unwrap(),
                step: row.get("step"),
                remote: row.get("remote_id"),
                via: row.get("via"),
                // Who counted it is the store's own affair.
                marks: n("flags") & !256,
                told: n("told"),
            };
            seen.rows.insert(key, one);
        }
        let rows = sqlx::query(
            "SELECT *, (SELECT json_group_array(notice ORDER BY notice DESC) FROM cut WHERE broadcast = broadcast.id) AS covers FROM broadcast",
        )
        .fetch_all(&mut c)
        .await
        .unwrap();
        for row in rows {
            let n = |column: &str| row.get::<i64, _>(column);
            let names = ["waiting", "started", "accepted", "delivered", "unknown"];
            let more = ["permanent", "gone", "superseded", "expired", "dropped"];
            let one = SeenBroadcast {
                state: BroadcastState::from_stored(n("state")).unwrap(),
                superseded_by: row.get("superseded_by"),
                overtaken: row.get("overtaken"),
                urgent: row.get("urgent"),
                covers: serde_json::from_str(row.get("covers")).unwrap(),
                stale: row.get("uncut"),
                cursor: n("cursor"),
                left: BTreeMap::new(),
                removed: row.get("removed"),
                removing: row.get("removing"),
                opened: n("opened"),
                counters: [names, more]
                    .concat()
                    .iter()
                    .map(|name| n(&format!("n_{name}")))
                    .collect::<Vec<_>>()
                    .try_into()
                    .unwrap(),
            };
            seen.broadcasts.insert((LaneId(n("lane")), NoticeSeq(n("notice"))), one);
        }
        let rows = sqlx::query(
            "SELECT b.lane, b.notice, l.* FROM chunk_left l JOIN broadcast b ON b.id = l.broadcast WHERE b.state = 0",
        )
        .fetch_all(&mut c)
        .await
        .unwrap();
        for row in rows {
            let n = |column: &str| row.get::<i64, _>(column);
            let of = seen.broadcasts.get_mut(&(LaneId(n("lane")), NoticeSeq(n("notice"))));
            let left = (n("cursor"), n("due"), n("waiting"));
            of.unwrap().left.insert(row.get("domain"), left);
        }
        c.close().await.unwrap();
        seen
    }
}

/// The same of the model.
pub fn seen(model: &Model) -> Seen {
    let mut seen = Seen::default();
    for row in model.rows.iter().filter(|row| !row.removed) {
        let of = &model.broadcasts[row.broadcast];
        let address = model.person(row.lane, row.recipient).map(|p| p.address.clone());
        let marks = [
            (row.after_unknown, 1),
            (row.by_receipt, 4),
            (row.decided, 8),
            (row.tried, 16),
            (row.turn, 32),
            (row.new_here, 64),
            (row.asked_for, 128),
        ];
        let one = SeenRow {
            state: row.state,
            attempt: row.attempt,
            due_ms: row.due_ms,
            first_started_ms: row.first_started_ms,
            changed_ms: row.changed_ms,
            operation: row.operation,
            step: row.step,
            remote: row.remote.id.clone(),
            via: row.via.map(|lane| lane.0),
            marks: marks.iter().filter(|(is, _)| *is).map(|(_, mark)| mark).sum(),
            told: row.told,
        };
        seen.rows
            .insert((row.lane, of.notice, address.unwrap_or_default()), one);
    }
    for b in &model.broadcasts {
        let left = b.left.iter().map(|(d, l)| (d.clone(), (l.cursor, l.due_ms, l.waiting)));
        let one = SeenBroadcast {
            state: b.state,
            superseded_by: b.superseded_by.map(|seq| seq.0),
            overtaken: b.overtaken,
            urgent: b.urgent,
            covers: b.covers.iter().map(|notice| notice.0).collect(),
            stale: b.stale,
            cursor: b.cursor,
            left: if b.state == BroadcastState::Open {
                left.collect()
            } else {
                BTreeMap::new()
            },
            removed: b.removed_ms,
            removing: b.removing,
            opened: i64::try_from(b.opened).unwrap(),
            counters: b.counters.map(|n| i64::try_from(n).unwrap()),
        };
        seen.broadcasts.insert((b.lane, b.notice), one);
    }
    seen
}

/// A claimed row as its channel gets it.
pub fn shown(job: &Job) -> impl Debug + PartialEq + use<> {
    let thread = job.thread.as_ref().map(|t| (t.root.id.clone(), t.parent.id.clone()));
    let target = job.target.as_ref().and_then(|t| t.id.clone());
    (
        (job.notice, job.address.clone(), job.attempt, job.after_unknown),
        (job.first_started_ms, job.start_at_ms, job.urgent),
        (job.operation, job.step, job.step_handle.clone()),
        (thread, target, job.variant.text.clone()),
    )
}

/// Says where they differ.
pub fn compare<T: PartialEq + Debug>(what: &str, model: &T, store: &T) -> Result<(), String> {
    if model == store {
        return Ok(());
    }
    Err(format!("{what}\n  model: {model:?}\n  store: {store:?}"))
}

/// The first entry that differs.
pub fn compare_all(model: &Seen, store: &Seen) -> Result<(), String> {
    let keys = model.rows.keys().chain(store.rows.keys());
    for key in keys {
        compare(&format!("delivery {key:?}"), &model.rows.get(key), &store.rows.get(key))?;
    }
    for key in model.broadcasts.keys().chain(store.broadcasts.keys()) {
        let (mine, theirs) = (model.broadcasts.get(key), store.broadcasts.get(key));
        compare(&format!("broadcast {key:?}"), &mine, &theirs)?;
    }
    Ok(())
}
