//! Website targets against real counterparts: nginx for WebDAV, s3s-fs (checks signatures) and moto for S3.

use std::collections::BTreeMap;
use std::path::Path;

use rundruf::channel::{Stamp, Target};
use rundruf::domain::outcome::{Outcome, Reason};
use rundruf::formats::manifest::MANIFEST;

use super::channel_peers::{site, stamp, target};
use super::support::http::get;
use super::support::stage::files;
use super::support::{FaultProxy, Peer, TestApp, eventually};

/// Stands in every configuration below and may stand in no report.
const SECRET: &str = "peersecret";

fn one(url: &str, keys: &str) -> String {
    format!("[channel.w]\nkind = \"website\"\ntimeout = \"5s\"\ntargets = [{{ url = \"{url}\", {keys} }}]\n")
}

/// A WebDAV target at this port; nginx's password is "p".
fn webdav(port: u16, password: &str) -> String {
    one(
        &format!("webdav://u@127.0.0.1:{port}/dav/ein ordner"),
        &format!("password = \"{password}\""),
    )
}

fn s3(port: u16, secret: &str) -> String {
    one(
        &format!("s3://127.0.0.1:{port}/site/copy/de"),
        &format!("access_key = \"peerkey\", secret_key = \"{secret}\""),
    )
}

const FIRST: &[(&str, &str)] = &[
    ("index.html", "a"),
    ("leer.txt", ""),
    ("stadt/2023-01-it/1/index.html", "1"),
    ("stadt/2023-01-it/feed.rss", "f"),
    ("style.css", "s"),
];
const SECOND: &[(&str, &str)] = &[
    ("index.html", "Störung"),
    ("style.css", "s"),
    ("stadt/2/index.html", "2"),
];

/// What every target must do; `there` reads what lies on the other side.
async fn does_what_every_target_does(target: &dyn Target, there: impl Fn() -> BTreeMap<String, Vec<u8>>) {
    let check = target.check().await;
    assert!(check.iter().all(|finding| finding.ok), "{check:?}");
    assert!(there().is_empty(), "check leaves something: {:?}", there().keys());
    assert_eq!(target.upload(&site(FIRST), stamp(1)).await, Ok(5));
    assert_eq!(target.upload(&site(FIRST), stamp(2)).await, Ok(0));
    let same = |wanted: &[(&str, &str)]| {
        let wanted: BTreeMap<String, Vec<u8>> = wanted
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect();
        assert_eq!(there(), wanted);
    };
    same(FIRST);
    assert_eq!(target.upload(&site(SECOND), stamp(3)).await, Ok(5));
    same(SECOND);
    let older = Stamp {
        instance: 0,
        ..stamp(4)
    };
    let older = target.upload(&site(FIRST), older).await.unwrap_err();
    assert!(older.text.en.contains("newer instance"), "{older:?}");
    same(SECOND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_site_appears_whole_on_a_webdav_server() {
    let Some(peer) = Peer::start("nginx", 1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let dav = target(dir.path(), &webdav(peer.port(), "p"));
    let folder = peer.dir().join("www/dav/ein ordner");
    does_what_every_target_does(dav.as_ref(), || there(&folder)).await;

    // Where the folders are known, a file is put and moved, and nothing is asked.
    // A request is in the log some time after its answer, and before whatever is asked for later.
    let asked = |mark: &str| -> Vec<String> {
        get(peer.port(), mark).unwrap();
        let log = eventually("the mark in the log", || {
            Some(peer.read("access.log")).filter(|log| log.contains(mark))
        });
        let methods = log.lines().map(|line| line.split(' ').next().unwrap_or_default());
        methods.map(str::to_owned).collect()
    };
    let before = asked("/before");
    let third: Vec<(String, &str)> = (0..20).map(|n| (format!("stadt/2/{n}.txt"), "neu")).collect();
    let third: Vec<(&str, &str)> = third.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    assert_eq!(dav.upload(&site(&[SECOND, &third].concat()), stamp(4)).await, Ok(20));
    let all = asked("/after");
    let count = |method: &str| all[before.len()..].iter().filter(|asked| *asked == method).count();
    // The list is written when it begins and when it ends.
    assert_eq!((count("PUT"), count("MOVE")), (22, 22));
    assert!(count("PROPFIND") < 10, "{:?}", &all[before.len()..]);

    let wrong = target(dir.path(), &webdav(peer.port(), SECRET));
    let refused = wrong.upload(&site(FIRST), stamp(5)).await.unwrap_err();
    assert_eq!(
        (&refused.outcome, refused.reason),
        (&Outcome::Auth, Reason::Credentials)
    );
    assert!(
        !refused.text.en.contains(SECRET) && refused.text.en.contains("(401)"),
        "{refused:?}"
    );
    let finding = &wrong.check().await[0];
    assert!(
        !finding.ok && finding.text.en.contains("does not take the credentials"),
        "{finding:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_site_appears_whole_in_a_bucket() {
    let Some(peer) = Peer::start("s3fs", 1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let bucket = target(dir.path(), &s3(peer.port(), SECRET));
    let folder = peer.dir().join("data/site/copy/de");
    does_what_every_target_does(bucket.as_ref(), || there(&folder)).await;

    let wrong = target(dir.path(), &s3(peer.port(), "another-secret-1"));
    let refused = wrong.upload(&site(FIRST), stamp(5)).await.unwrap_err();
    assert_eq!(
        (&refused.outcome, refused.reason),
        (&Outcome::Auth, Reason::Credentials)
    );
    assert!(
        !refused.text.en.contains("another-secret-1") && !refused.text.en.contains("peerkey"),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_tells_readers_what_a_file_is() {
    let Some(peer) = Peer::start("s3", 1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let bucket = target(dir.path(), &s3(peer.port(), SECRET));
    assert!(bucket.check().await.iter().all(|finding| finding.ok));
    assert_eq!(bucket.upload(&site(FIRST), stamp(1)).await, Ok(5));
    assert_eq!(bucket.upload(&site(SECOND), stamp(2)).await, Ok(5));
    let page = get(peer.port(), "/site/copy/de/index.html").unwrap();
    assert_eq!((page.status, page.text().as_str()), (200, "Störung"));
    assert_eq!(page.header("content-type"), Some("text/html"));
    assert_eq!(page.header("cache-control"), Some("public, max-age=30"));
    let manifest = get(peer.port(), &format!("/site/copy/de/{MANIFEST}")).unwrap();
    assert_eq!(manifest.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(
        get(peer.port(), "/site/copy/de/stadt/2023-01-it/feed.rss")
            .unwrap()
            .status,
        404
    );
    let nowhere = one(
        &format!("s3://127.0.0.1:{}/nowhere", peer.port()),
        &format!("access_key = \"peerkey\", secret_key = \"{SECRET}\""),
    );
    let refused = target(dir.path(), &nowhere)
        .upload(&site(FIRST), stamp(1))
        .await
        .unwrap_err();
    assert!(refused.text.en.contains("no such folder or bucket"), "{refused:?}");
}

/// Files of a folder; nothing where there is none yet.
fn there(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    if folder.is_dir() {
        files(folder)
    } else {
        BTreeMap::new()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_says_how_long_it_is_away() {
    let Some(peer) = Peer::start("nginx", 1) else { return };
    let Some(proxy) = FaultProxy::start(peer.port()) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let dav = target(dir.path(), &webdav(proxy.port(), "p"));
    proxy.answer(503, &[("Retry-After", "120")], "<h1>Wartung</h1>");
    let at = Stamp {
        now: 1_000_000,
        ..stamp(1)
    };
    let away = dav.upload(&site(FIRST), at).await.unwrap_err();
    // From the answer, which came a moment after the start.
    assert!(
        matches!(away.outcome, Outcome::Later { until } if (1_120_000..1_130_000).contains(&until)),
        "{away:?}"
    );
    assert!(away.text.en.contains("Wartung"), "{away:?}");
    for mode in ["refuse", "hang", "lose-answer", "cut-answer 20"] {
        proxy.mode(mode);
        let failed = dav.upload(&site(FIRST), stamp(1)).await.unwrap_err();
        // The proxy refuses by a reset, which comes while we connect or just after.
        let refused = mode == "refuse" && failed.reason == Reason::NotConnected;
        assert!(refused || failed.reason == Reason::NoAnswer, "{mode}: {failed:?}");
        proxy.cut();
    }
    proxy.mode("pass");
    assert!(dav.upload(&site(FIRST), stamp(1)).await.is_ok());
}

/// The address that people will write: over TLS, whose roots are the system's.
#[test]
fn a_webdav_server_with_a_certificate() {
    let Some(peer) = Peer::start_with("nginx", 1, &[], &[("TLS", "1")]) else {
        return;
    };
    let url = format!("webdavs://localhost:{}/dav/site", peer.port());
    let app = TestApp::new(&one(&url, "username = \"u\", password = \"p\""));
    let look = |roots: Option<&Path>| {
        let mut command = app.command(&["channel", "test", "w"]);
        command.envs(roots.map(|roots| ("SSL_CERT_FILE", roots)));
        TestApp::answer(command.output().unwrap())
    };
    let strange = look(None);
    assert!(
        strange.code == 1 && strange.out.contains("cannot be reached"),
        "{strange:?}"
    );
    let known = look(Some(&peer.dir().join("ca.pem")));
    assert!(known.code == 0 && known.out.contains("writing works"), "{known:?}");
}
