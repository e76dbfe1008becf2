//! The order of an upload, its resumption, and what a manifest may and may not do, at a place in memory.

use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;

use super::*;
use crate::channel::testing::{key, site};
use crate::secret::Key;

/// A place in memory that writes down what was done and breaks off when told.
#[derive(Default)]
struct Memory {
    files: Mutex<BTreeMap<String, Bytes>>,
    log: Mutex<Vec<String>>,
    /// Changes until it breaks off.
    left: Mutex<Option<usize>>,
    /// Looked at after every change.
    watch: Option<fn(&BTreeMap<String, Bytes>)>,
}

impl Memory {
    fn change(&self, path: &str, content: Option<&Bytes>) -> Result<(), Report> {
        if let Some(left) = self.left.lock().unwrap().as_mut() {
            if *left == 0 {
                return Err(http::report(Outcome::Transient, Reason::NoAnswer, Said::quoted("cut")));
            }
            *left -= 1;
        }
        let mark = if content.is_some() { "" } else { "-" };
        self.log.lock().unwrap().push(format!("{mark}{path}"));
        let mut files = self.files.lock().unwrap();
        match content {
            Some(content) => drop(files.insert(path.to_owned(), content.clone())),
            None => drop(files.remove(path)),
        }
        if let Some(watch) = self.watch {
            watch(&files);
        }
        Ok(())
    }

    /// What was done since the last time, but for the manifest.
    fn done(&self) -> Vec<String> {
        let mut done = std::mem::take(&mut *self.log.lock().unwrap());
        done.retain(|path| path != MANIFEST);
        done
    }

    fn cut_after(&self, changes: Option<usize>) {
        *self.left.lock().unwrap() = changes;
    }

    fn text(&self, path: &str) -> String {
        String::from_utf8(self.files.lock().unwrap()[path].to_vec()).unwrap()
    }

    fn manifest(&self) -> Manifest {
        Manifest::read(&self.files.lock().unwrap()[MANIFEST]).unwrap().0
    }

    fn names(&self) -> Vec<String> {
        self.files.lock().unwrap().keys().cloned().collect()
    }
}

#[async_trait]
impl Place for Memory {
    async fn get(&self, path: &str) -> Result<Option<Bytes>, Report> {
        Ok(self.files.lock().unwrap().get(path).cloned())
    }
    async fn put(&self, path: &str, file: &SiteFile) -> Result<(), Report> {
        self.change(path, Some(&file.bytes))
    }
    fn aside(&self, path: &str) -> Option<String> {
        Some(format!("{path}.tmp"))
    }
    async fn remove(&self, path: &str) -> Result<(), Report> {
        self.change(path, None)
    }
}

async fn brought(place: &Memory, site: &Site, instance: i64, generation: i64) -> Result<u64, Report> {
    let mark = Mark {
        who: "x",
        instance,
        generation,
        signer: Some(Arc::new(key().key().unwrap().signer())),
        believes: true,
    };
    bring(place, site, &mark).await
}

const FIRST: &[(&str, &str)] = &[
    ("index.html", "a"),
    ("p/i/1/index.html", "1"),
    ("p/index.html", "p"),
    ("p/feed.rss", "f"),
    ("style.css", "s"),
];

#[tokio::test]
async fn what_is_referred_to_comes_first_and_only_changes_travel() {
    let place = Memory::default();
    assert_eq!(brought(&place, &site(FIRST), 1, 1).await, Ok(5));
    assert_eq!(
        place.done(),
        [
            "style.css",
            "p/i/1/index.html",
            "p/feed.rss",
            "p/index.html",
            "index.html"
        ]
    );
    assert_eq!(brought(&place, &site(FIRST), 1, 2).await, Ok(0));
    let second = site(&[
        ("index.html", "b"),
        ("p/index.html", "p"),
        ("style.css", "s"),
        ("p/feed.rss", "f"),
        ("p/i/2/index.html", "2"),
    ]);
    assert_eq!(brought(&place, &second, 1, 3).await, Ok(3));
    assert_eq!(place.done(), ["p/i/2/index.html", "index.html", "-p/i/1/index.html"]);
    assert_eq!((place.manifest().generation, place.manifest().instance), (3, 1));
}

/// Pages whose content names the pages they point at. What the first ones point at changes with every state, and names
/// sort in every order.
const STATES: [&[(&str, &str)]; 3] = [
    &[
        ("index.html", "p/index.html"),
        ("p/index.html", "p/m/index.html p/place/x/index.html"),
        ("p/m/index.html", "p/index.html"),
        ("p/place/x/index.html", "p/m/index.html p/index.html"),
    ],
    &[
        ("index.html", "p/index.html p/z/index.html"),
        (
            "p/index.html",
            "p/z/index.html p/place/x/index.html p/place/a/index.html",
        ),
        ("p/z/index.html", "p/z/1/index.html p/index.html"),
        ("p/z/1/index.html", "p/z/index.html"),
        ("p/place/a/index.html", "p/z/1/index.html"),
        ("p/place/x/index.html", "p/z/1/index.html p/index.html"),
    ],
    &[
        ("index.html", "p/index.html p/a/index.html"),
        ("p/index.html", "p/a/index.html p/place/x/index.html"),
        ("p/a/index.html", "p/place/x/index.html p/index.html p/a/1/index.html"),
        ("p/a/1/index.html", "p/a/index.html"),
        ("p/place/x/index.html", "p/a/1/index.html"),
    ],
];

/// From the front page no way leads to a file that is not there.
fn no_way_leads_nowhere(files: &BTreeMap<String, Bytes>) {
    let (mut open, mut seen) = (vec!["index.html".to_owned()], BTreeSet::new());
    // During the very first upload there is no front page yet.
    while let Some(page) = open.pop().filter(|_| files.contains_key("index.html")) {
        let content = files
            .get(&page)
            .unwrap_or_else(|| panic!("{page} is not there: {:?}", files.keys()));
        if seen.insert(page) {
            let links = std::str::from_utf8(content).unwrap();
            open.extend(links.split_whitespace().map(str::to_owned));
        }
    }
}

#[tokio::test]
async fn wherever_it_breaks_off_the_copy_is_whole_and_the_rest_follows() {
    let [first, second, third] = STATES.map(site);
    for next in [&first, &second, &third] {
        for cut in 0.. {
            let place = Memory {
                watch: Some(no_way_leads_nowhere),
                ..Memory::default()
            };
            brought(&place, &first, 1, 1).await.unwrap();
            place.done();
            place.cut_after(Some(cut));
            let broke_off = brought(&place, &second, 1, 2).await.is_err();
            let before: Vec<String> = place.done();
            place.cut_after(None);
            brought(&place, next, 1, 3).await.unwrap();
            let (manifest, wanted) = (place.manifest(), Manifest::of(next, 1, 3));
            assert_eq!((&manifest.files, &manifest.pending), (&wanted.files, &wanted.pending));
            let there: Vec<String> = place.names().into_iter().filter(|name| name != MANIFEST).collect();
            assert!(there.iter().eq(next.files.keys()), "cut after {cut}: {there:?}");
            for (path, file) in &next.files {
                assert_eq!(place.text(path).as_bytes(), file.bytes, "cut after {cut}: {path}");
            }
            if next == &second {
                let again: Vec<String> = place.done();
                let twice: Vec<_> = again.iter().filter(|path| before.contains(path)).collect();
                // What has gone is asked to go once more: nothing travels for that.
                assert!(twice.iter().all(|path| path.starts_with('-')), "sent twice: {twice:?}");
            }
            if !broke_off {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_long_upload_says_on_the_way_how_far_it_is() {
    let names: Vec<String> = (0..120).map(|n| format!("p/{n:03}/index.html")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let place = Memory::default();
    // 1 manifest, 50 files, 1 manifest, 10 files.
    place.cut_after(Some(62));
    brought(&place, &site(&many), 1, 1).await.unwrap_err();
    let manifest = place.manifest();
    assert_eq!((manifest.files.len(), manifest.pending.len()), (50, 50));
    assert_eq!((manifest.generation, manifest.instance), (0, 1));
    place.cut_after(None);
    assert_eq!(brought(&place, &site(&many), 1, 1).await, Ok(60));
}

#[tokio::test]
async fn what_was_left_twice_is_known_and_goes() {
    let names: Vec<String> = (0..120).map(|n| format!("p/{n:03}/index.html")).collect();
    let of = |text: &'static str, names: &[String]| {
        site(&names.iter().map(|name| (name.as_str(), text)).collect::<Vec<_>>())
    };
    let place = Memory::default();
    // The second part has begun; then nobody wants these files any more, but others, and that breaks off too.
    place.cut_after(Some(70));
    brought(&place, &of("x", &names), 1, 1).await.unwrap_err();
    let others: Vec<String> = (0..120).map(|n| format!("q/{n:03}/index.html")).collect();
    let wanted = of("y", &others);
    for cut in [10, 60] {
        place.cut_after(Some(cut));
        brought(&place, &wanted, 1, 2).await.unwrap_err();
    }
    place.cut_after(None);
    brought(&place, &wanted, 1, 2).await.unwrap();
    let there: Vec<String> = place.names().into_iter().filter(|name| name != MANIFEST).collect();
    assert_eq!(there, others);
}

#[tokio::test]
async fn an_older_instance_is_refused_and_strange_files_stay() {
    let place = Memory::default();
    place.change("theirs.txt", Some(&Bytes::from_static(b"x"))).unwrap();
    brought(&place, &site(FIRST), 2, 1).await.unwrap();
    let refused = brought(&place, &site(&[]), 1, 9).await.unwrap_err();
    assert!(
        refused.outcome == Outcome::Auth && refused.text.en.contains("newer instance"),
        "{refused:?}"
    );
    brought(&place, &site(&[]), 2, 2).await.unwrap();
    assert_eq!(place.names(), [MANIFEST, "theirs.txt"]);
}

#[tokio::test]
async fn a_manifest_of_others_removes_nothing_and_stops_nobody() {
    let place = Memory::default();
    place.change("theirs.html", Some(&Bytes::from_static(b"x"))).unwrap();
    let mut theirs = Manifest::of(&site(&[("theirs.html", "x")]), 99, 99);
    theirs.pending.insert("p/index.html".to_owned());
    let other = Key::from_bytes([8; 32]).signer();
    for file in [theirs.signed(&other).bytes, Bytes::from_static(b"<html>")] {
        place.change(MANIFEST, Some(&file)).unwrap();
        assert_eq!(brought(&place, &site(FIRST), 1, 2).await, Ok(5));
        assert!(!place.done().iter().any(|line| line.starts_with('-')));
        assert_eq!(place.text("theirs.html"), "x");
    }
}
