//! SFTP servers as they differ: what they can, and how they prove who they are.

use super::channel_peers::{site, stamp, target};
use super::support::Peer;
use super::support::stage::{files, host_key, user};

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
