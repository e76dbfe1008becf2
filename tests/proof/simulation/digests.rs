//! What each request tells (LANES 4): nobody gets one newest notice twice, or in a digest nothing but what they have, or what was taken back.

use std::collections::{BTreeSet, HashMap};

use rundruf::domain::delivery::DeliveryState as State;
use rundruf::ids::{DeliveryId, LaneId, NoticeSeq, RecipientId};
use rundruf::store::Job;

use crate::model::Model;

/// What each delivery tells by its newest attempt.
pub type Tells = HashMap<DeliveryId, BTreeSet<NoticeSeq>>;

/// Every digest's text is what it sums up.
const DIGEST: &str = "Zusammenfassung:";

/// The text of a cut.
pub fn text(covers: &[NoticeSeq]) -> String {
    let list: Vec<String> = covers.iter().map(NoticeSeq::to_string).collect();
    format!("{DIGEST}{}", list.join(","))
}

fn covers(job: &Job) -> BTreeSet<NoticeSeq> {
    let list = job.variant.text.strip_prefix(DIGEST).unwrap_or_default();
    list.split(',').filter_map(|n| n.parse().ok()).map(NoticeSeq).collect()
}

/// What the checks remember.
#[derive(Debug, Default)]
pub struct Digests {
    pub tells: Tells,
    newest: HashMap<(LaneId, RecipientId, NoticeSeq), DeliveryId>,
    /// Notices that a later one names.
    pub taken_back: BTreeSet<NoticeSeq>,
    fault: Option<String>,
}

impl Digests {
    /// These have started, as far as the store is concerned.
    pub fn claimed(&mut self, jobs: &[Job], model: &Model) {
        for job in jobs {
            let covers = covers(job);
            let whom = (model.row(job.delivery).lane, job.recipient);
            let has = |notice: &NoticeSeq| {
                let stored = model.rows.iter().filter(|row| !row.removed);
                let rows = stored.filter(|row| (row.lane, row.recipient) == whom);
                let mut there = rows.filter(|row| matches!(row.state, State::Delivered | State::Accepted));
                there.any(|row| self.tells.get(&row.id).is_some_and(|told| told.contains(notice)))
            };
            // What may be there already runs out with the words it began with.
            let says = if !job.begun && covers.iter().any(|notice| self.taken_back.contains(notice)) {
                "tells in a digest what was taken back"
            } else if !covers.is_empty() && covers.iter().all(has) {
                "tells in a digest only what they have"
            } else if *self.newest.entry((whom.0, whom.1, job.notice)).or_insert(job.delivery) != job.delivery {
                "brings one newest notice a second time"
            } else {
                let tells = covers.into_iter().chain([job.notice]).collect();
                self.tells.insert(job.delivery, tells);
                continue;
            };
            self.fault = Some(format!(
                "delivery {} to recipient {} {says}",
                job.delivery, job.recipient
            ));
        }
    }

    /// What was found out.
    pub fn fault(&mut self) -> Result<(), String> {
        self.fault.take().map_or(Ok(()), Err)
    }
}
