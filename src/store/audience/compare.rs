//! A page of a list beside what is stored. Lists mostly have the order in which they were stored: both are gone through side by side, and only who is
//! not met that way is looked up.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use sqlx::SqliteConnection;

use super::super::rows::lang_word;
use super::super::spelling::canonical;
use super::super::{AudienceChange, LIST_PAGE, Person, StoreError};
use super::{GONE, IN, LEFT, Seen, Stay};

/// Stored people who are held in memory until the list names them; whoever is named later is looked up.
const WINDOW: usize = 4 * LIST_PAGE;

/// A row as written: number, language, places, name, address, its canonical form where it is another one.
pub(super) type Written = (
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
    Option<String>,
);

/// What of a page has to be written.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) fresh: Vec<Written>,
    pub(super) changed: Vec<Written>,
    /// In lower case as suppressed in advance by an older release, and who was meant.
    pub(super) meant: Vec<(String, String)>,
}

/// What is stored of somebody, to see what changed.
#[derive(Deserialize)]
struct Known {
    address: String,
    seq: i64,
    state: i64,
    lang: Option<String>,
    places: Option<String>,
    name: Option<String>,
}

/// Whom a lane knows, as far as it is read.
pub(super) struct Stored {
    lane: i64,
    /// In the order of their numbers up to `upto`: those behind `after` are not read yet.
    after: i64,
    upto: i64,
    window: HashMap<String, Known>,
    stay: Stay,
    /// The addresses that an older release has suppressed in advance, of which only the lower case is known; `None`: not read yet.
    folded: Option<HashSet<String>>,
}

/// The columns of [`Known`], in one row: each is a way from SQLite's thread to this one.
macro_rules! known {
    () => {
        concat!(
            "json_group_array(json_object('address', ",
            canonical!("x"),
            ", 'seq', x.seq, 'state', x.state, 'lang', x.lang, 'places', x.places, 'name', x.name))"
        )
    };
}

impl Stored {
    pub(super) fn of(lane: i64, upto: i64) -> Self {
        Self {
            lane,
            after: 0,
            upto,
            window: HashMap::new(),
            stay: Stay::new(),
            folded: None,
        }
    }

    /// Other spellings of these have joined them.
    pub(super) fn were_joined(&mut self, stay: Stay) {
        self.stay = stay;
    }

    /// Counted as in, under this spelling or another.
    pub(super) fn is_in(&self, seq: i64, state: i64) -> bool {
        self.stay.get(&seq).map_or(state == IN, |(is_in, _)| *is_in)
    }

    fn was_listed(&self, known: &Known) -> bool {
        self.stay
            .get(&known.seq)
            .map_or(known.state != LEFT, |(_, listed)| *listed)
    }

    /// What has to be written of a page.
    pub(super) async fn compare(
        &mut self,
        c: &mut SqliteConnection,
        page: Vec<Person>,
        seen: &mut Seen,
        change: &mut AudienceChange,
    ) -> Result<Plan, StoreError> {
        self.read_on(c, page.len()).await?;
        let mut known = self.find(c, &page).await?;
        let suppressed = suppressed(c, self.lane, &page).await?;
        let folded = self.folded(c).await?;
        let mut plan = Plan::default();
        for person in page {
            let known = known.remove(&person.canonical);
            if let Some(known) = &known {
                seen.insert(known.seq);
            }
            let mut gone = suppressed.contains(&person.canonical);
            if let Some(short) = meant(&folded, &person.canonical) {
                gone = true;
                plan.meant.push((short, person.canonical.clone()));
            }
            let state = if gone { GONE } else { IN };
            change.total += u64::from(state == IN);
            let new = known.as_ref().is_none_or(|known| !self.was_listed(known));
            change.added += u64::from(new && state == IN);
            let row = written(person, known.as_ref().map_or(0, |known| known.seq))?;
            match known {
                None => plan.fresh.push(row),
                Some(k) => {
                    if (k.state, &k.lang, &k.places, &k.name) != (state, &row.1, &row.2, &row.3) {
                        plan.changed.push(row);
                    }
                }
            }
        }
        self.folded = Some(folded);
        Ok(plan)
    }

    /// Keeps the window ahead of the list.
    async fn read_on(&mut self, c: &mut SqliteConnection, page: usize) -> Result<(), StoreError> {
        if self.window.len() > WINDOW {
            self.window.clear();
        }
        if self.after >= self.upto || self.window.len() >= 2 * page {
            return Ok(());
        }
        // Primary key (lane, seq).
        let rows: String = sqlx::query_scalar(concat!(
            "SELECT ",
            known!(),
            " FROM (SELECT * FROM recipient WHERE lane = ? AND seq > ? AND seq <= ? AND state <> 3 ORDER BY seq LIMIT ?) x"
        ))
        .bind(self.lane)
        .bind(self.after)
        .bind(self.upto)
        .bind(i64::try_from(2 * page).unwrap_or(i64::MAX))
        .fetch_one(c)
        .await?;
        let rows: Vec<Known> = serde_json::from_str(&rows)?;
        self.after = match rows.last() {
            Some(last) => last.seq,
            None => self.upto,
        };
        self.window
            .extend(rows.into_iter().map(|row| (row.address.clone(), row)));
        Ok(())
    }

    /// Those of a page that are stored.
    async fn find(&mut self, c: &mut SqliteConnection, page: &[Person]) -> Result<HashMap<String, Known>, StoreError> {
        let mut found = HashMap::with_capacity(page.len());
        let mut missing = Vec::new();
        for person in page {
            match self.window.remove(&person.canonical) {
                Some(known) => drop(found.insert(person.canonical.clone(), known)),
                None => missing.push(person.canonical.as_str()),
            }
        }
        // Who was added since by another process is found where it is written.
        if missing.is_empty() || self.upto == 0 {
            return Ok(found);
        }
        let missing = serde_json::to_string(&missing)?;
        for sql in [
            // recipient_canonical (lane, canonical); primary key. Named, because SQLite takes the lane alone for as good.
            concat!(
                "SELECT ",
                known!(),
                " FROM json_each(?) j CROSS JOIN recipient x INDEXED BY recipient_canonical ON x.lane = ? AND x.canonical = j.value AND x.state <> 3"
            ),
            // Unique (lane, address); primary key.
            concat!(
                "SELECT ",
                known!(),
                " FROM json_each(?) j CROSS JOIN recipient x ON x.lane = ? AND x.address = j.value AND x.canonical IS NULL AND x.state <> 3"
            ),
        ] {
            let rows: String = sqlx::query_scalar(sql)
                .bind(&missing)
                .bind(self.lane)
                .fetch_one(&mut *c)
                .await?;
            let rows: Vec<Known> = serde_json::from_str(&rows)?;
            found.extend(rows.into_iter().map(|row| (row.address.clone(), row)));
        }
        Ok(found)
    }

    async fn folded(&mut self, c: &mut SqliteConnection) -> Result<HashSet<String>, StoreError> {
        if let Some(folded) = self.folded.take() {
            return Ok(folded);
        }
        // Primary key (lane, …).
        let folded: Vec<String> = sqlx::query_scalar("SELECT address FROM suppression WHERE lane = ? AND folded")
            .bind(self.lane)
            .fetch_all(c)
            .await?;
        Ok(folded.into_iter().collect())
    }
}

/// The lower case in which somebody was suppressed in advance.
fn meant(folded: &HashSet<String>, canonical: &str) -> Option<String> {
    if folded.is_empty() {
        return None;
    }
    let short = canonical.to_ascii_lowercase();
    folded.contains(&short).then_some(short)
}

fn written(person: Person, seq: i64) -> Result<Written, StoreError> {
    let lang = person.language.map(lang_word).transpose()?;
    let places = (!person.places.is_empty())
        .then(|| serde_json::to_string(&person.places))
        .transpose()?;
    let canonical = (person.canonical != person.address).then_some(person.canonical);
    Ok((seq, lang, places, person.name, person.address, canonical))
}

/// Those of a page whom the lane does not write to.
async fn suppressed(c: &mut SqliteConnection, lane: i64, page: &[Person]) -> Result<HashSet<String>, StoreError> {
    // Primary key (lane, …).
    let any = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM suppression WHERE lane = ?)");
    if !any.bind(lane).fetch_one(&mut *c).await? {
        return Ok(HashSet::new());
    }
    let forms: Vec<&str> = page.iter().map(|person| person.canonical.as_str()).collect();
    // Primary key.
    let found: Vec<String> = sqlx::query_scalar(
        "SELECT s.address FROM json_each(?) j CROSS JOIN suppression s ON s.lane = ? AND s.address = j.value",
    )
    .bind(serde_json::to_string(&forms)?)
    .bind(lane)
    .fetch_all(c)
    .await?;
    Ok(found.into_iter().collect())
}

/// Who was in the list before, suppressed or not, between these numbers, with their state; at most so many, in order.
pub(super) async fn listed(
    c: &mut SqliteConnection,
    lane: i64,
    (after, upto): (i64, i64),
    limit: i64,
) -> Result<Vec<(i64, i64)>, StoreError> {
    // Primary key (lane, seq). In one row, as above.
    let rows: String = sqlx::query_scalar(
        "SELECT json_group_array(json_array(seq, state)) FROM (
           SELECT seq, state FROM recipient WHERE lane = ? AND seq > ? AND seq <= ? AND state IN (0, 2) ORDER BY seq LIMIT ?)",
    )
    .bind(lane)
    .bind(after)
    .bind(upto)
    .bind(limit)
    .fetch_one(c)
    .await?;
    Ok(serde_json::from_str(&rows)?)
}
