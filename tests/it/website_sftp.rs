//! SFTP servers as they differ: what they can, and how they prove who they are.

use rundruf::formats::manifest::{MANIFEST, Manifest};
use rundruf::secret::KeyFile;

use super::channel_peers::{site, stamp, target};
use super::support::stage::{files, host_key, user};
use super::support::{Peer, TestApp};

/// A target there, with this host key where one is given.
fn website(peer: &Peer, host_key: Option<&str>) -> String {
    let pin = host_key.map_or_else(String::new, |key| format!(", host_key = \"{key}\""));
    format!(
        "[channel.w]\nkind = \"website\"\ntargets = [{{ url = \"sftp://{}@127.0.0.1:{}/htdocs\", private_key_file = \"{}\"{pin} }}]\n",
        user(),
        peer.port(),
        peer.dir().join("id").display(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_replace_files_gets_the_site_and_says_so() {
    let Some(peer) = Peer::start_with("sftp", 1, &[], &[("DENY", "posix-rename")]) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), &website(&peer, Some(&host_key(&peer))));
    let www = peer.dir().join("www/htdocs");
    for (generation, changed) in [(1, 3), (2, 0)] {
        let first = site(&[("index.html", "a"), ("p/1/index.html", "1"), ("p/index.html", "p")]);
        assert_eq!(target.upload(&first, stamp(generation)).await, Ok(changed));
    }
    let second = site(&[("index.html", "b"), ("p/index.html", "p")]);
    assert_eq!(target.upload(&second, stamp(3)).await, Ok(2));
    let there = files(&www);
    let names: Vec<&str> = there
        .keys()
        .map(String::as_str)
        .filter(|name| !name.starts_with('.'))
        .collect();
    assert_eq!(
        (names, there["index.html"].as_slice()),
        (vec!["index.html", "p/index.html"], &b"b"[..])
    );

    let check = target.check().await;
    assert!(check.iter().all(|finding| finding.ok), "{check:?}");
    assert!(
        check.iter().any(|finding| finding.text.en.contains("in one step")),
        "{check:?}"
    );
}

#[test]
fn a_server_with_another_key_gets_nothing_and_people_learn_what_it_may_mean() {
    let (Some(peer), Some(before)) = (Peer::start("sftp", 1), Peer::start("sftp", 1)) else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".ssh")).unwrap();
    let known = before
        .read("known_hosts")
        .replace(&before.port().to_string(), &peer.port().to_string());
    std::fs::write(home.path().join(".ssh/known_hosts"), known).unwrap();
    for (pin, place) in [(Some(host_key(&before)), "host_key"), (None, "~/.ssh/known_hosts:1")] {
        let app = TestApp::new(&website(&peer, pin.as_deref()));
        for (lang, words) in [
            (
                "C.UTF-8",
                [
                    place,
                    "changed it",
                    "somebody pretends",
                    "Nothing was sent",
                    "call the provider",
                    "SHA256:",
                ],
            ),
            (
                "de_DE.UTF-8",
                [
                    place,
                    "gewechselt",
                    "jemand gibt sich",
                    "Gesendet wurde nichts",
                    "den Anbieter an",
                    "SHA256:",
                ],
            ),
        ] {
            let mut command = app.command(&["channel", "test", "w"]);
            let answer = TestApp::answer(command.env("HOME", home.path()).env("LANG", lang).output().unwrap());
            let said = answer.out.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                answer.code == 1 && words.iter().all(|part| said.contains(part)),
                "{place}: {said}"
            );
        }
    }
    assert!(!peer.dir().join("www/htdocs").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_file_is_the_same_there_and_is_known_again() {
    let Some(peer) = Peer::start("sftp", 1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), &website(&peer, Some(&host_key(&peer))));
    // No two chunks are alike, and the last one is not full.
    let long: String = (0..300_000).map(|n| format!("{n:x} ")).collect();
    let both = site(&[("index.html", "a"), ("long.txt", long.clone().leak())]);
    assert_eq!(target.upload(&both, stamp(1)).await, Ok(2));
    let www = peer.dir().join("www/htdocs");
    assert!(std::fs::read_to_string(www.join("long.txt")).unwrap() == long);
    // As if it had broken off after this file: it is read back and not sent again.
    let signer = KeyFile::new(dir.path().join("data/rundruf.key"))
        .key()
        .unwrap()
        .signer();
    let (mut list, _) = Manifest::read(&std::fs::read(www.join(MANIFEST)).unwrap()).unwrap();
    list.files.remove("long.txt");
    list.pending.insert("long.txt".to_owned());
    std::fs::write(www.join(MANIFEST), list.signed(&signer).bytes).unwrap();
    assert_eq!(target.upload(&both, stamp(1)).await, Ok(0));
    let verified = Manifest::read(&std::fs::read(www.join(MANIFEST)).unwrap()).unwrap().0;
    assert!(verified.files.contains_key("long.txt") && verified.pending.is_empty());
}

/// OpenSSH writes down what it is asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_on_the_disk_there_before_it_takes_its_place() {
    for (deny, syncs) in [("users-groups-by-id", true), ("fsync", false)] {
        let Some(peer) = Peer::start_with("sftp", 1, &[], &[("DENY", deny), ("LOG", "1")]) else {
            return;
        };
        let dir = tempfile::tempdir().unwrap();
        let target = target(dir.path(), &website(&peer, Some(&host_key(&peer))));
        let first = site(&[("index.html", "a"), ("p/index.html", "p")]);
        assert_eq!(target.upload(&first, stamp(1)).await, Ok(2));
        let log = peer.read("requests");
        let mut steps = Vec::new();
        for line in log.lines() {
            steps.extend(
                ["fsync", "posix-rename"]
                    .into_iter()
                    .filter(|step| line.starts_with(&format!("{step} "))),
            );
        }
        let renames = steps.iter().filter(|step| **step == "posix-rename").count();
        assert!(renames >= 3, "both files and the list: {log}");
        let wanted: Vec<&str> = match syncs {
            true => ["fsync", "posix-rename"].repeat(renames),
            false => ["posix-rename"].repeat(renames),
        };
        assert_eq!(steps, wanted, "{log}");
        assert_eq!(files(&peer.dir().join("www/htdocs"))["index.html"], b"a");
    }
}
