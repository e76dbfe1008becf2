//! Whom a notice would go to, by what the store knows of the lists of recipients, and by the files where that is not enough.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use crate::app::Open;
use crate::channel::registry::Configured;
use crate::domain::notice::Scope;
use crate::domain::problem::Problem;
use crate::publication::{Counted, audience};
use crate::store::{Consent, LaneRow, Lanes, StoreError};

/// What the store knows of the lists: how many a channel had when its list was last right, and whom it does not write to. Nothing where there is no
/// store yet.
#[derive(Debug, Default)]
pub struct Lists {
    lanes: Vec<LaneRow>,
    /// By channel: those that are stored as their files are now.
    counted: BTreeMap<String, Counted>,
    /// Channel, and the form in which the address is compared; of nobody where every list is counted.
    suppressed: HashSet<(String, String)>,
}

impl Lists {
    /// As they are stored.
    pub async fn read(open: &Open) -> Result<Self, StoreError> {
        let lanes = open.store.lane_rows().await?;
        let counted = open.office.counted(open.store.as_ref(), &lanes).await?;
        let mut suppressed = HashSet::new();
        let lists = open
            .office
            .channels
            .iter()
            .filter(|c| c.settings.common.audience.is_some());
        if lists.map(|c| &c.settings.name).any(|name| !counted.contains_key(name)) {
            let all = open.store.suppressions().await?;
            suppressed.extend(all.into_iter().map(|one| (one.channel, one.address)));
        }
        Ok(Self {
            lanes,
            counted,
            suppressed,
        })
    }

    /// Recipients that a channel had when its list was last right.
    pub(super) fn kept(&self, channel: &str) -> u64 {
        self.lanes
            .iter()
            .find(|lane| lane.name == channel)
            .map_or(0, |lane| lane.audience)
    }

    /// To how many of a channel's list a notice of this scope goes, and whose addresses in it are none.
    pub(super) fn concerned(
        &self,
        channel: &Configured,
        file: &Path,
        scope: &Scope,
    ) -> Result<(u64, Vec<String>), Vec<Problem>> {
        let name = &channel.settings.name;
        if let Some(counted) = self.counted.get(name) {
            return Ok(counted.census.concerned(scope, &counted.left_out));
        }
        let (mut people, mut faulty) = (0, Vec::new());
        audience::each(file, &channel.built, |person, is_address| {
            if !audience::concerns(&person.places, scope) || !self.writes_to(name, &person.canonical) {
                return;
            }
            if is_address {
                people += 1;
            } else {
                faulty.push(person.address);
            }
        })?;
        Ok((people, faulty))
    }

    fn writes_to(&self, channel: &str, address: &str) -> bool {
        // Two owned words to ask with: only where anybody is suppressed.
        self.suppressed.is_empty() || !self.suppressed.contains(&(channel.to_owned(), address.to_owned()))
    }
}
