//! Audiences from files: new people behind all others, missing ones gone, the rest kept with their number. A list is read page by page, compared beside
//! the writer and written in short transactions, so that one of a city's inhabitants holds up no lane (LANES 1) and is never in memory as a whole.

mod compare;
mod joined;
mod write;

use std::collections::{BTreeMap, HashMap};

use sqlx::SqliteConnection;

use super::lists::{self, Begun};
use super::sqlite::Sqlite;
use super::{AudienceChange, List, StoreError};
use crate::clock::Ms;
use compare::{Stored, Written};

/// A recipient's states: in the list; not in it; in it, and suppressed. 3 is another spelling of somebody else, for good.
const IN: i64 = 0;
const LEFT: i64 = 1;
const GONE: i64 = 2;

/// Rows of one transaction: well within 50 ms (LANES 1).
const CHUNK: usize = super::LIST_PAGE;
/// So many new people are written in the order of their addresses instead of the list's: else each of them falls on a page of its own of the index over the
/// addresses, and a city's list writes a hundred times what it says.
const MANY: usize = 60 * CHUNK;
/// Rows that are looked through at once for whoever is in the list no more.
const LOOK: i64 = 20_000;

/// Numbers for `n` new recipients or targets: the first of them.
pub(super) async fn numbers(c: &mut SqliteConnection, n: i64) -> Result<i64, StoreError> {
    // One row.
    let last: i64 =
        sqlx::query_scalar("UPDATE meta SET recipient_seq = recipient_seq + ? WHERE one = 1 RETURNING recipient_seq")
            .bind(n)
            .fetch_one(c)
            .await?;
    Ok(last - n + 1)
}

/// Hands one transaction to the store's writer: the names before `=>` go into it.
macro_rules! write {
    ($store:ident, $($name:ident = $value:expr),* => $module:ident :: $function:ident ( $($argument:expr),* )) => {{
        $(let $name = $value;)*
        $store.writer.write(move |c| Box::pin(async move { $module::$function(c, $($argument),*).await })).await
    }};
}

/// Brings a lane's audience up to date. Who is suppressed stays so. One that breaks off is taken up by the next: until the whole list was read it has
/// only added and altered, so that nobody who is in it is left out.
pub(super) async fn sync(
    store: &Sqlite,
    lane: i64,
    list: &mut dyn List,
    now: Ms,
) -> Result<AudienceChange, StoreError> {
    let begun = write!(store, => lists::begin(lane))?;
    let counted = counted(store, lane).await?;
    let mut change = AudienceChange::default();
    let mut stored = Stored::of(lane, begun.upto);
    if !begun.was_whole {
        let joined = joined::join_all(store, lane, now).await?;
        change.removed += joined.removed;
        stored.were_joined(joined.stay);
    }
    let mut seen = Seen::default();
    let mut fresh = Fresh::default();
    loop {
        let page = list.page()?;
        if page.is_empty() {
            break;
        }
        let plan = {
            let mut reader = store.readers.acquire().await?;
            stored.compare(&mut reader, page, &mut seen, &mut change).await?
        };
        fresh.rows.extend(plan.fresh);
        if !plan.changed.is_empty() || !plan.meant.is_empty() {
            write!(store, changed = plan.changed, meant = plan.meant => write::known(lane, &changed, &meant))?;
        }
        if fresh.rows.len() >= MANY {
            fresh.sorted = true;
            fresh.write(store, lane, &mut seen).await?;
        }
    }
    fresh.write(store, lane, &mut seen).await?;
    leave(store, (lane, now), begun, &stored, &seen, &mut change).await?;
    let total = i64::try_from(change.total).unwrap_or(i64::MAX);
    let count = (total != counted).then_some(total);
    write!(store, mark = list.mark() => write::end(lane, begun, mark, count))?;
    Ok(change)
}

/// New people that are still to be written.
#[derive(Default)]
struct Fresh {
    rows: Vec<Written>,
    /// There are many of them.
    sorted: bool,
}

impl Fresh {
    async fn write(&mut self, store: &Sqlite, lane: i64, seen: &mut Seen) -> Result<(), StoreError> {
        let mut rows = std::mem::take(&mut self.rows);
        if self.sorted {
            rows.sort_unstable_by(|a, b| a.4.cmp(&b.4));
        }
        let mut rows = rows.into_iter();
        loop {
            let chunk: Vec<Written> = rows.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return Ok(());
            }
            seen.extend(write!(store, rows = chunk => write::add(lane, rows))?);
        }
    }
}

/// Whoever was there and is in the list no more.
async fn leave(
    store: &Sqlite,
    (lane, now): (i64, Ms),
    begun: Begun,
    stored: &Stored,
    seen: &Seen,
    change: &mut AudienceChange,
) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let rows: Vec<(i64, i64)> = {
            let mut reader = store.readers.acquire().await?;
            compare::listed(&mut reader, lane, (after, begun.upto), LOOK).await?
        };
        let Some((last, _)) = rows.last() else { return Ok(()) };
        after = *last;
        let mut left = Vec::new();
        for (seq, state) in rows.into_iter().filter(|(seq, _)| !seen.has(*seq)) {
            change.removed += u64::from(stored.is_in(seq, state));
            left.push(seq);
        }
        for chunk in left.chunks(CHUNK) {
            write!(store, rows = serde_json::to_string(chunk)? => write::leave(lane, &rows, now))?;
        }
    }
}

/// So many were in at the last count.
async fn counted(store: &Sqlite, lane: i64) -> Result<i64, StoreError> {
    // Primary key.
    let audience = sqlx::query_scalar("SELECT audience FROM lane WHERE id = ?");
    Ok(audience.bind(lane).fetch_one(&store.readers).await?)
}

/// Numbers of recipients, of which a list mostly has long runs: a bit for each.
#[derive(Default)]
struct Seen(BTreeMap<i64, [u64; Self::WORDS]>);

impl Seen {
    const WORDS: usize = 64;
    const BITS: i64 = 64 * Self::WORDS as i64;

    fn place(seq: i64) -> (i64, usize, u64) {
        let bit = seq.rem_euclid(Self::BITS);
        let word = usize::try_from(bit / 64).unwrap_or_default();
        (seq.div_euclid(Self::BITS), word, 1 << (bit % 64))
    }

    fn has(&self, seq: i64) -> bool {
        let (block, word, bit) = Self::place(seq);
        self.0.get(&block).is_some_and(|words| words[word] & bit != 0)
    }

    fn insert(&mut self, seq: i64) {
        let (block, word, bit) = Self::place(seq);
        self.0.entry(block).or_insert([0; Self::WORDS])[word] |= bit;
    }

    fn extend(&mut self, seqs: Vec<i64>) {
        for seq in seqs {
            self.insert(seq);
        }
    }
}

/// Those of two spellings who stay: whether any of theirs was counted as in, and was in the list.
type Stay = HashMap<i64, (bool, bool)>;

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn remembers_whom_it_has_seen() {
        let mut seen = Seen::default();
        for seq in [0, 1, 63, 64, 4_095, 4_096, 1_700_000, i64::MAX] {
            assert!(!seen.has(seq), "{seq}");
            seen.insert(seq);
            assert!(seen.has(seq), "{seq}");
        }
        assert!(!seen.has(2) && !seen.has(4_097));
    }
}
