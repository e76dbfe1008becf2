//! Audience files and the store: which of them have to be taken over. A list of a city's inhabitants is looked at by its stamp; only where that is
//! another one it is read, and only where its content is another one it is compared.

use std::collections::BTreeMap;

use super::audience::{AudienceFile, Census, Stamp};
use super::{FaultyAudience, Office};
use crate::channel::registry::Configured;
use crate::domain::problem::Problem;
use crate::ids::LaneId;
use crate::store::{Conflict, LaneRow, LeftOut, ListMark, Store, StoreError};

/// How often a list that is being written while it is read is read again.
const TRIES: usize = 3;

/// A list that could not be taken over.
enum Refused {
    Faulty(Vec<Problem>),
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Vec<Problem>> for Refused {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Faulty(problems)
    }
}

/// A list that is stored as its file is now.
#[derive(Debug, Clone)]
pub struct Counted {
    /// Who follows what.
    pub census: Census,
    /// Whom its channel does not write to.
    pub left_out: LeftOut,
}

impl Office {
    /// Brings file audiences up to date where their file changed; a publication in a running `serve` pays for one look at each.
    /// A file with a fault changes nothing: whoever was in it when it was last right stays, and one faulty line in the press list
    /// holds up neither the website nor anybody else.
    pub async fn sync_audiences(&self, store: &dyn Store) -> Result<Vec<FaultyAudience>, StoreError> {
        let rows = self.register(store).await?;
        let mut known = self.registered.lock().await;
        let mut marks: Option<BTreeMap<LaneId, ListMark>> = None;
        let mut faulty = Vec::new();
        for configured in self.channels.iter() {
            let name = &configured.settings.name;
            let Some(row) = rows.iter().find(|row| row.name == *name) else {
                continue;
            };
            let Some(file) = &configured.settings.common.audience else {
                continue;
            };
            let stamp = Stamp::of(file);
            let now = stamp.as_ref().and_then(|stamp| stamp.settled(self.clock.now_ms()));
            if now.is_some() && known.stamps.get(name).map(String::as_str) == now {
                continue;
            }
            if marks.is_none() {
                marks = Some(store.list_marks().await?);
            }
            let mark = marks.as_ref().and_then(|marks| marks.get(&row.id));
            let stored = mark.and_then(|mark| mark.stamp.as_deref());
            if now.is_none() || stored != now {
                match self.take_over(store, row, configured, mark).await {
                    Ok(()) => {}
                    Err(Refused::Store(error)) => return Err(error),
                    Err(Refused::Faulty(problems)) => {
                        faulty.push((row.id, name.clone(), problems));
                        continue;
                    }
                }
            }
            known.stamps.extend(now.map(|now| (name.clone(), now.to_owned())));
        }
        if faulty.is_empty() {
            return Ok(Vec::new());
        }
        let stored = store.lane_rows().await?;
        let kept = |id| stored.iter().find(|row| row.id == id).map_or(0, |row| row.audience);
        let faulty = faulty.into_iter().map(|(id, channel, problems)| FaultyAudience {
            channel,
            problems,
            kept: kept(id),
        });
        Ok(faulty.collect())
    }

    async fn take_over(
        &self,
        store: &dyn Store,
        row: &LaneRow,
        configured: &Configured,
        mark: Option<&ListMark>,
    ) -> Result<(), Refused> {
        let path = configured.settings.common.audience.as_deref().unwrap_or("".as_ref());
        let spelled = |address: &str| configured.built.spelled(address);
        let mut tries = 0;
        loop {
            tries += 1;
            let file = AudienceFile::open(path)?;
            let now = self.clock.now_ms();
            // Once it was read in part the mark says nothing any more.
            if let Some(mark) = mark.filter(|_| tries == 1)
                && file.hash().as_ref() == Some(&mark.hash)
            {
                let stamp = file.stamp().settled(now).map(str::to_owned);
                if stamp.is_some() {
                    let same = ListMark { stamp, ..mark.clone() };
                    store.list_is_same(row.id, &same).await?;
                }
                return Ok(());
            }
            let checked = file.check(&spelled)?;
            let mut pages = file.pages(&checked, &spelled)?.at(now);
            match store.sync_list(row.id, &mut pages, now).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict(Conflict::List(_))) if tries < TRIES => {}
                Err(StoreError::Conflict(Conflict::List(_))) => return Err(file.is_written().into()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The lists that are stored as their files are now, by their channel; the others have to be read.
    pub async fn counted(&self, store: &dyn Store, lanes: &[LaneRow]) -> Result<BTreeMap<String, Counted>, StoreError> {
        let marks = store.list_marks().await?;
        let mut counted = BTreeMap::new();
        for configured in self.channels.iter() {
            let name = &configured.settings.name;
            let row = lanes.iter().find(|row| row.name == *name);
            let mark = row.and_then(|row| marks.get(&row.id));
            let (Some(row), Some(mark), Some(file)) = (row, mark, &configured.settings.common.audience) else {
                continue;
            };
            let stamp = Stamp::of(file);
            let now = stamp.as_ref().and_then(|stamp| stamp.settled(self.clock.now_ms()));
            let census = mark
                .census
                .as_deref()
                .and_then(|census| serde_json::from_str::<Census>(census).ok());
            if let Some(census) = census.filter(|_| now.is_some() && mark.stamp.as_deref() == now) {
                let left_out = store.left_out(row.id, &census.apart()).await?;
                counted.insert(name.clone(), Counted { census, left_out });
            }
        }
        Ok(counted)
    }
}
