//! The channels against real counterparts: mastodon-mock, Kannel, OpenSSH.

use std::sync::Arc;

use rundruf::channel::registry::configure;
use rundruf::channel::{Built, Channel, LookUp, ReceiptRequest, Stamp, Target};
use rundruf::domain::delivery::Operation;
use rundruf::domain::outcome::{Outcome, Remote};
use rundruf::formats::{Site, SiteFile};
use rundruf::ids::{ACCOUNT, BroadcastId, DeliveryId, IncidentId, NoticeSeq};
use rundruf::secret::KeyFile;
use rundruf::store::{Job, ReceiptWord, Thread, Variant};
use rundruf::text::lang::Lang;

use super::support::http::get;
use super::support::{FaultProxy, Peer, eventually};

fn built(dir: &std::path::Path, toml: &str) -> Built {
    let file = dir.join("channels.toml");
    std::fs::write(&file, format!("publisher.stadt.name = \"Stadt\"\n{toml}")).unwrap();
    let (settings, mut channels) = configure(&file, &dir.join("data")).unwrap();
    KeyFile::new(settings.store.key_file).make().unwrap();
    channels.remove(0).built
}

fn messages(dir: &std::path::Path, toml: &str) -> Arc<dyn Channel> {
    let Built::Messages(channel) = built(dir, toml) else {
        panic!("no messages")
    };
    channel
}

/// The first target of a website channel.
pub(super) fn target(dir: &std::path::Path, toml: &str) -> Arc<dyn Target> {
    let Built::Website(mut targets) = built(dir, toml) else {
        panic!("no website")
    };
    targets.remove(0)
}

fn job(delivery: i64, text: &str) -> Job {
    let variant = Variant {
        first: None,
        format: 1,
        text: text.to_owned(),
        payload: serde_json::Value::Null,
        fit: Default::default(),
    };
    Job {
        delivery: DeliveryId(delivery),
        broadcast: BroadcastId(delivery),
        incident: IncidentId(1),
        notice: NoticeSeq(1),
        attempt: 1,
        first_started_ms: 0,
        start_at_ms: 0,
        operation: Operation::Post,
        step: 0,
        step_handle: None,
        after_unknown: false,
        begun: false,
        recipient: ACCOUNT,
        address: String::new(),
        name: None,
        variant: Arc::new(variant),
        lang: Lang::De,
        withdrawn: None,
        thread: None,
        target: None,
        urgent: false,
        created_ms: 0,
    }
}

fn remote(outcome: &Outcome) -> Remote {
    match outcome {
        Outcome::Delivered(remote) => remote.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mastodon_threads_edits_and_never_doubles() {
    let Some(peer) = Peer::start("mastodon", 1) else { return };
    let Some(proxy) = FaultProxy::start(peer.port()) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let toml = format!(
        "[channel.m]\nkind = \"mastodon\"\nurl = \"{}\"\ntoken = \"mock_token\"\ntimeout = \"10s\"\n",
        proxy.url()
    );
    let channel = messages(dir.path(), &toml);
    let first = channel
        .send(&job(1, "Die IT ist abgeschaltet & aus: https://info.example/p/i/1/"), 0)
        .await;
    let root = remote(&first.outcome);
    let mut update = job(2, "Die Telefone gehen wieder.");
    update.thread = Some(Thread {
        root: root.clone(),
        parent: root.clone(),
    });
    proxy.mode("lose-answer");
    let lost = channel.send(&update, 0).await;
    assert_eq!(lost.outcome, Outcome::Unknown, "{lost:?}");
    proxy.mode("pass");
    assert!(matches!(channel.look_up(&update).await, LookUp::There(_)));
    assert_eq!(channel.look_up(&job(3, "Nie gesendet.")).await, LookUp::NotThere);
    update.attempt = 2;
    let reply = remote(&channel.send(&update, 0).await.outcome);
    let status = get(peer.port(), &format!("/api/v1/statuses/{}", reply.id.clone().unwrap()))
        .unwrap()
        .json();
    assert_eq!(status["in_reply_to_id"].as_str(), root.id.as_deref());

    let mut edit = job(4, "Die Telefone gehen seit 10 Uhr wieder.");
    edit.operation = Operation::Edit;
    edit.target = Some(reply.clone());
    assert!(matches!(channel.send(&edit, 0).await.outcome, Outcome::Delivered(_)));
    let status = get(peer.port(), &format!("/api/v1/statuses/{}", reply.id.unwrap()))
        .unwrap()
        .json();
    assert!(status["content"].as_str().unwrap().contains("10 Uhr"), "{status}");
    assert!(
        channel.check().await.iter().all(|finding| finding.ok),
        "{:?}",
        channel.check().await
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kannel_takes_it_and_reports_back() {
    let Some(peer) = Peer::start("kannel", 4) else { return };
    let receipts = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let back = receipts.local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("presse.csv"), "address\n").unwrap();
    let toml = |password: &str| {
        format!(
            "[site]\nurl = \"http://{back}\"\n[channel.sms]\nkind = \"kannel\"\nurl = \"{}\"\nusername = \"u\"\npassword = \"{password}\"\nfrom = \"115\"\naudience = {{ file = \"presse.csv\" }}\n",
            peer.url()
        )
    };
    let channel = messages(dir.path(), &toml("p"));
    assert!(
        channel.check().await.iter().all(|finding| finding.ok),
        "{:?}",
        channel.check().await
    );
    let mut sms = job(1, "Das Bürgeramt öffnet um 8 – bitte Ausweis mitbringen");
    sms.address = "+4917139200".to_owned();
    let taken = channel.send(&sms, 0).await;
    assert!(matches!(taken.outcome, Outcome::Accepted(_)), "{taken:?}");
    eventually("the centre has it", || {
        peer.read("fakesmsc.log").contains("4917139200").then_some(())
    });
    let query = tokio::task::spawn_blocking(move || answer_one(&receipts))
        .await
        .unwrap();
    let found = channel
        .read_receipt(&ReceiptRequest {
            query,
            headers: Vec::new(),
            body: bytes::Bytes::new(),
        })
        .unwrap();
    assert_eq!(found[0].delivery, Some((DeliveryId(1), 1)));
    assert!(
        matches!(found[0].word, ReceiptWord::Delivered | ReceiptWord::Buffered),
        "{found:?}"
    );

    let wrong = messages(dir.path(), &toml("pass-word-1")).send(&sms, 0).await;
    assert_eq!(wrong.outcome, Outcome::Auth);
    assert!(!wrong.text.en.contains("pass-word-1"));
}

/// Takes one request, answers 200, gives its decoded query.
fn answer_one(server: &std::net::TcpListener) -> Vec<(String, String)> {
    use std::io::{Read, Write};
    let (mut stream, _) = server.accept().unwrap();
    let mut head = [0; 8_192];
    let n = stream.read(&mut head).unwrap();
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .unwrap();
    let text = String::from_utf8_lossy(&head[..n]).into_owned();
    let path = text.split_whitespace().nth(1).unwrap_or_default();
    let url = url::Url::parse(&format!("http://x{path}")).unwrap();
    url.query_pairs().into_owned().collect()
}

/// A site of these files.
pub(super) fn site(files: &[(&str, &'static str)]) -> Site {
    let file = |text: &'static str| SiteFile {
        bytes: bytes::Bytes::from_static(text.as_bytes()),
        media_type: "text/html",
    };
    Site {
        files: files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), file(text)))
            .collect(),
        ..Site::default()
    }
}

/// An upload of this generation by the first instance.
pub(super) fn stamp(generation: i64) -> Stamp {
    Stamp {
        instance: 1,
        generation,
        now: 0,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_site_appears_whole_on_an_sftp_server() {
    let Some(peer) = Peer::start("sftp", 1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let user = std::process::Command::new("id").arg("-un").output().unwrap();
    let user = String::from_utf8(user.stdout).unwrap().trim().to_owned();
    let known = peer.read("known_hosts").trim().to_owned();
    let toml = |host_key: &str| {
        format!(
            "[channel.w]\nkind = \"website\"\ntargets = [{{ url = \"sftp://127.0.0.1:{}/htdocs\", username = \"{user}\", private_key_file = \"{}\"{host_key} }}]\n",
            peer.port(),
            peer.dir().join("id").display()
        )
    };
    let unknown = target(dir.path(), &toml(""))
        .upload(&site(&[]), stamp(1))
        .await
        .unwrap_err();
    assert!(
        unknown.outcome == Outcome::Auth && unknown.text.en.contains("SHA256:"),
        "{unknown:?}"
    );

    let target = target(dir.path(), &toml(&format!(", host_key = \"{known}\"")));
    assert!(
        target.check().await.iter().all(|finding| finding.ok),
        "{:?}",
        target.check().await
    );
    let first = site(&[
        ("index.html", "a"),
        ("stadt/2023-01-it/1/index.html", "1"),
        ("style.css", "s"),
    ]);
    assert_eq!(target.upload(&first, stamp(1)).await, Ok(3));
    assert_eq!(target.upload(&first, stamp(2)).await, Ok(0));
    let second = site(&[("index.html", "b"), ("style.css", "s")]);
    assert_eq!(target.upload(&second, stamp(3)).await, Ok(2));
    let www = peer.dir().join("www/htdocs");
    assert_eq!(std::fs::read_to_string(www.join("index.html")).unwrap(), "b");
    assert!(!www.join("stadt").exists());
    let older = Stamp {
        instance: 0,
        ..stamp(4)
    };
    let older = target.upload(&second, older).await.unwrap_err();
    assert!(older.text.en.contains("newer instance"), "{older:?}");
}
