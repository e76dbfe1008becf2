//! Our own way: one notice, published into the store, brought out by the lane of an e-mail channel to each recipient by itself.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rundruf::app::{Lanes, Open};
use rundruf::domain::draft;
use rundruf::publication::Wishes;
use rundruf::store::owner::Owner;
use rundruf::store::{Board, Published};

use super::smtp_sink::SmtpSink;
use crate::kit::place::{folder, notice, write_config};
use crate::kit::rivals;

/// How the mails are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dkim {
    None,
    Ed25519,
    Rsa2048,
}

/// Mails a second from the publication to the last outcome that is in the store. `None` where no key can be made.
pub async fn run(sink: &SmtpSink, mails: u64, dkim: Dkim) -> Option<f64> {
    let dir = folder();
    let dkim = dkim_line(dir.path(), dkim)?;
    let addresses: String = (0..mails).map(|n| format!("resident{n}@example.net\n")).collect();
    std::fs::write(dir.path().join("list.csv"), format!("address\n{addresses}")).expect("written");
    let channels = format!(
        "[channel.mail]\nkind = \"email\"\nserver = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n\
         from = \"Stadt <info@stadt.example>\"\naudience = {{ file = \"list.csv\" }}\n{dkim}",
        sink.port
    );
    let config = write_config(dir.path(), "http://127.0.0.1:1", 1, 2, &channels);
    let open = Open::new(&config, &dir.path().join("data")).await.expect("opened");
    open.office.register(open.store.as_ref()).await.expect("registered");
    let owner = Owner::try_take(&open.office.settings.data)
        .expect("a lock")
        .expect("free");
    open.store.lengthen_log().await.expect("as serve does");
    let lanes = Lanes::start(&open, owner).await.expect("lanes");
    let draft = draft::read("bench", notice("Meldung", "probe-it").as_bytes()).expect("a notice");

    let before = sink.count();
    let begin = Instant::now();
    let done = open
        .office
        .publish(open.store.as_ref(), &draft, &Wishes::default(), None)
        .await;
    lanes.drained().await;
    let took = begin.elapsed();

    let Ok(Published::New { seq, .. }) = done.map(|d| d.published) else {
        panic!("a new notice");
    };
    let rows = open.store.broadcasts_of(seq).await.expect("rows");
    assert_eq!(rows[0].counters.delivered, mails, "{:?}", rows[0].counters);
    lanes.stop(Duration::from_secs(5)).await;
    assert_eq!(sink.count() - before, mails, "each came once");
    Some(mails as f64 / took.as_secs_f64())
}

/// Makes a key where one is wanted, as an administrator would.
fn dkim_line(dir: &Path, dkim: Dkim) -> Option<String> {
    let algorithm = match dkim {
        Dkim::None => return Some(String::new()),
        Dkim::Ed25519 => "ed25519",
        // 2048 bits, as it comes.
        Dkim::Rsa2048 => "rsa",
    };
    let made = Command::new(rivals::program("openssl")?)
        .args(["genpkey", "-algorithm", algorithm, "-out"])
        .arg(dir.join("dkim.pem"))
        .stderr(Stdio::null())
        .status()
        .expect("openssl");
    assert!(made.success(), "openssl genpkey");
    Some("dkim = { selector = \"rundruf\", key_file = \"dkim.pem\" }\n".to_owned())
}
