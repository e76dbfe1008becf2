//! Digests (LANES 4): what one message sums up of all that waits, and who lacks any of it. For the store and for the model it is compared
//! with. Pure.

use std::collections::BTreeSet;

use super::notice::Scope;
use super::supersede::{concerns, covers};
use super::words::Kind;
use crate::ids::NoticeSeq;

/// A notice that waits on a lane, of one incident: no newer one has taken its place, and not all of it has started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// The notice.
    pub notice: NoticeSeq,
    /// Its kind.
    pub kind: Kind,
    /// It was published for a channel that catches up by digest.
    pub digest: bool,
    /// What it sums up already, where an earlier cut was made of it.
    pub covers: Vec<NoticeSeq>,
    /// One of these was named by a later notice since (replaced, taken back, corrected, retracted) and is out of it: its text is out of date.
    pub stale: bool,
}

/// What becomes of all that waits: one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The notice whose broadcast it is.
    pub newest: NoticeSeq,
    /// What it sums up beside that, newest first.
    pub covers: Vec<NoticeSeq>,
    /// Broadcasts that end with it.
    pub ends: Vec<NoticeSeq>,
    /// Corrections that go on for whoever has the wrong words, and for nobody else.
    pub overtakes: Vec<NoticeSeq>,
}

/// The cut that is due where these wait, if one is. It is made of the newest notice whose channel catches up by digest, and takes in whatever
/// is older and waits, of any scope. One notice alone is no digest: it goes as it is.
///
/// A correction is taken in, because its words are news to whoever has not got what it corrects; but nothing is summed up under it: what it does
/// to the old post is its own. A retraction says nothing to whoever has not got what it retracts.
pub fn cut(waiting: &[Waits]) -> Option<Cut> {
    let top = waiting
        .iter()
        .filter(|w| w.digest && w.kind == Kind::Notice)
        .max_by_key(|w| w.notice)?;
    let older = |kind: Kind| {
        let older = waiting.iter().filter(move |w| w.notice < top.notice && w.kind == kind);
        older.map(|w| w.notice).collect::<Vec<_>>()
    };
    let (ends, overtakes) = (older(Kind::Notice), older(Kind::Correction));
    if ends.is_empty() && overtakes.is_empty() && !top.stale {
        return None;
    }
    let taken = waiting
        .iter()
        .filter(|w| w.notice <= top.notice && w.kind != Kind::Retraction);
    let covers: BTreeSet<NoticeSeq> = taken
        .flat_map(|w| w.covers.iter().copied().chain([w.notice]))
        .filter(|notice| *notice != top.notice)
        .collect();
    Some(Cut {
        newest: top.notice,
        covers: covers.into_iter().rev().collect(),
        ends,
        overtakes,
    })
}

/// True where somebody who follows these places lacks any of what a cut sums up, and so gets the digest and not the newest notice alone.
///
/// `newest`: the newest notice (no correction) older than the cut's own that they have or may have of the incident by this channel; whatever is
/// older still they were told before it or with it. `has`: whether they have this very one.
pub fn lacks<'a>(
    covers: impl IntoIterator<Item = (NoticeSeq, &'a Scope)>,
    places: &[String],
    newest: Option<NoticeSeq>,
    has: impl Fn(NoticeSeq) -> bool,
) -> bool {
    covers
        .into_iter()
        .any(|(notice, scope)| concerns(scope, places) && newest < Some(notice) && !has(notice))
}

/// Which of these earlier notices (newest first) are about what no newer one of the digest is about, and so are nobody's older news. `newest`: the
/// scope of the digest's own notice.
pub fn apart(newest: &Scope, earlier: &[&Scope]) -> Vec<bool> {
    let newer = |at: usize| std::iter::once(newest).chain(earlier[..at].iter().copied());
    let alone = |at: usize| !newer(at).any(|newer| covers(newer, earlier[at]));
    (0..earlier.len()).map(alone).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn waits(notice: i64, kind: Kind) -> Waits {
        Waits {
            notice: NoticeSeq(notice),
            kind,
            digest: true,
            covers: Vec::new(),
            stale: false,
        }
    }

    fn seqs(list: &[i64]) -> Vec<NoticeSeq> {
        list.iter().copied().map(NoticeSeq).collect()
    }

    #[test]
    fn all_that_waits_becomes_one_message_newest_first() {
        let cut = cut(&[1, 2, 3].map(|n| waits(n, Kind::Notice))).unwrap();
        assert_eq!((cut.newest, cut.covers), (NoticeSeq(3), seqs(&[2, 1])));
        assert_eq!((cut.ends, cut.overtakes), (seqs(&[1, 2]), Vec::new()));
    }

    #[test]
    fn a_cut_of_a_cut_sums_up_what_that_summed_up() {
        let older = Waits {
            covers: seqs(&[2, 1]),
            ..waits(3, Kind::Notice)
        };
        let cut = cut(&[older, waits(4, Kind::Notice)]).unwrap();
        assert_eq!((cut.covers, cut.ends), (seqs(&[3, 2, 1]), seqs(&[3])));
    }

    #[test]
    fn a_text_that_tells_what_was_taken_back_is_written_again() {
        let stale = Waits {
            covers: seqs(&[1]),
            stale: true,
            ..waits(3, Kind::Notice)
        };
        let cut = cut(&[stale]).unwrap();
        assert_eq!(
            (cut.newest, cut.covers, cut.ends),
            (NoticeSeq(3), seqs(&[1]), Vec::new())
        );
    }

    #[test]
    fn one_alone_is_that_one() {
        assert_eq!(cut(&[waits(1, Kind::Notice)]), None);
        assert_eq!(cut(&[]), None);
        let every = Waits {
            digest: false,
            ..waits(2, Kind::Notice)
        };
        assert_eq!(cut(&[waits(1, Kind::Notice), every]), None, "nothing older waits");
    }

    #[test]
    fn a_correction_is_taken_in_and_a_retraction_is_not() {
        let kinds = [Kind::Notice, Kind::Correction, Kind::Retraction, Kind::Notice];
        let all: Vec<Waits> = (1..).zip(kinds).map(|(n, kind)| waits(n, kind)).collect();
        let cut = cut(&all).unwrap();
        assert_eq!(cut.covers, seqs(&[2, 1]));
        assert_eq!((cut.ends, cut.overtakes), (seqs(&[1]), seqs(&[2])));
        assert_eq!(super::cut(&all[..3]), None, "nothing is summed up under a correction");
    }

    #[test]
    fn whoever_was_served_gets_the_newest_alone() {
        let (all, soest) = (
            Scope::All,
            Scope::Named {
                places: vec!["soest".to_owned()],
                services: Vec::new(),
            },
        );
        let covers = [(NoticeSeq(3), &soest), (NoticeSeq(2), &all)];
        let lacks = |places: &[&str], newest: Option<i64>, has: Option<i64>| {
            let places: Vec<String> = places.iter().map(ToString::to_string).collect();
            super::lacks(covers, &places, newest.map(NoticeSeq), |n| {
                Some(n) == has.map(NoticeSeq)
            })
        };
        assert!(lacks(&["werl"], None, None) && lacks(&["soest"], Some(2), None));
        assert!(!lacks(&["werl"], Some(2), None), "what concerns others is not lacking");
        assert!(
            !lacks(&["soest"], Some(3), None),
            "the older ones came before it or with it"
        );
        assert!(
            lacks(&["soest"], None, Some(3)),
            "a correction says nothing of what is older"
        );
    }

    #[test]
    fn what_is_about_other_places_stands_apart() {
        let named = |places: &[&str]| Scope::Named {
            places: places.iter().map(ToString::to_string).collect(),
            services: Vec::new(),
        };
        let (all, soest, both) = (Scope::All, named(&["soest"]), named(&["soest", "werl"]));
        assert_eq!(apart(&all, &[&soest, &all, &soest]), [true, false, false]);
        assert_eq!(apart(&both, &[&soest, &all]), [false, true]);
        assert_eq!(apart(&soest, &[&both]), [true], "for Werl it is the newest");
    }

    proptest! {
        /// Whatever waits is told once: in the cut, by itself, or as a correction of what somebody has.
        #[test]
        fn nothing_is_lost(kinds in prop::collection::vec((0..3_usize, any::<bool>()), 0..7)) {
            let kind = |n: usize| [Kind::Notice, Kind::Correction, Kind::Retraction][n];
            let all: Vec<Waits> = (1..).zip(&kinds).map(|(n, (k, digest))| Waits { digest: *digest, ..waits(n, kind(*k)) }).collect();
            let Some(made) = cut(&all) else { return Ok(()) };
            let ended: Vec<NoticeSeq> = made.ends.iter().chain(&made.overtakes).copied().collect();
            prop_assert!(ended.iter().all(|n| made.covers.contains(n) && *n < made.newest));
            prop_assert!(made.covers.is_sorted_by(|a, b| a > b));
            // What is left makes no other cut.
            let left: Vec<Waits> = all.into_iter().filter(|w| !ended.contains(&w.notice)).collect();
            prop_assert_eq!(cut(&left), None);
        }
    }
}
