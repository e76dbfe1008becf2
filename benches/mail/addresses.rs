//! One notice to the webhook addresses of an audience file, by one `rundruf publish --wait`, against one process of Apprise, which
//! remembers nothing and signs nothing. Both call the same receiver.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use crate::kit::machine;
use crate::kit::place::{folder, notice, write_config};
use crate::kit::rivals;
use crate::kit::sink::Sink;
use crate::kit::table::Table;

const ADDRESSES: u64 = 10_000;
const LOOK: Duration = Duration::from_millis(2);
/// Nobody here takes longer.
const GIVE_UP: Duration = Duration::from_secs(120);
/// Ways to use it; which is faster and which is smaller is seen anew in each round.
const APPRISE: [&str; 2] = ["async", "sync"];

/// Bars of issue 3.
const TIME: f64 = 0.1;
const MEMORY: f64 = 1.0 / 3.0;

/// What it took.
#[derive(Debug, Clone, Copy)]
struct Took {
    seconds: f64,
    /// Peak of resident memory.
    mb: f64,
}

/// The middle ratio of three rounds counts, by the faster and by the smaller of the ways to use Apprise.
pub async fn three_rounds(table: &mut Table) {
    println!("one notice to {ADDRESSES} webhook addresses");
    let sink = Sink::start();
    let (mut time, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        println!("  {}", machine::minute());
        let ours = product(&sink).await;
        println!("    rundruf: {:.2} s, {:.1} MB", ours.seconds, ours.mb);
        let mut best: Option<Took> = None;
        for how in APPRISE {
            let Some(theirs) = apprise(sink.port, how).await else {
                rivals::skipped("Apprise");
                break;
            };
            println!("    Apprise, {how}: {:.2} s, {:.1} MB", theirs.seconds, theirs.mb);
            best = Some(best.map_or(theirs, |best| Took {
                seconds: best.seconds.min(theirs.seconds),
                mb: best.mb.min(theirs.mb),
            }));
        }
        time.extend(best.map(|best| ours.seconds / best.seconds));
        memory.extend(best.map(|best| ours.mb / best.mb));
    }
    table.part("fan-out, time by Apprise", time, TIME);
    table.part("fan-out, memory by Apprise", memory, MEMORY);
}

async fn apprise(port: u16, how: &str) -> Option<Took> {
    let python = rivals::folder().join("venv/bin/python");
    if !python.is_file() {
        return None;
    }
    let mut command = Command::new(python);
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/mail/fan_out.py"))
        .args([&port.to_string(), &ADDRESSES.to_string(), how]);
    let said = rivals::output(&mut command).await.expect("apprise");
    let (seconds, mb) = said.split_once(' ').expect("two numbers");
    Some(Took {
        seconds: seconds.parse().expect("seconds"),
        mb: mb.parse().expect("MB"),
    })
}

/// `publish --wait` on an installation that has never published, from its start to its end: it makes the store, reads the addresses, sends
/// to all of them and has every outcome on the disk.
async fn product(sink: &Sink) -> Took {
    let dir = folder();
    let addresses: String = (0..ADDRESSES)
        .map(|n| format!("http://127.0.0.1:{}/{n}\n", sink.port))
        .collect();
    std::fs::write(dir.path().join("list.csv"), format!("address\n{addresses}")).expect("written");
    let channels = "[channel.hooks]\nkind = \"webhook\"\naudience = { file = \"list.csv\" }\n\
                    secret = \"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\nallow_private = true\n";
    write_config(dir.path(), "http://127.0.0.1:1", 1, 2, channels);
    std::fs::write(dir.path().join("meldung.toml"), notice("Meldung", "probe-it")).expect("written");

    sink.forget();
    let begin = Instant::now();
    let mut publish = rundruf(dir.path(), &["publish", "meldung.toml", "--yes", "--wait", "--json"]);
    let mut mb = 0.0;
    let ended = loop {
        // Its reading is gone with it: what it was last stays.
        mb = peak_mb(&publish).unwrap_or(mb);
        if let Some(ended) = publish.try_wait().expect("its state") {
            break ended;
        }
        assert!(begin.elapsed() < GIVE_UP, "it does not end");
        tokio::time::sleep(LOOK).await;
    };
    let seconds = begin.elapsed().as_secs_f64();
    assert!(ended.success());
    assert_eq!(sink.count(), ADDRESSES, "each came once");
    Took { seconds, mb }
}

fn rundruf(dir: &Path, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_rundruf"))
        .args(args)
        .current_dir(dir)
        .env("LANG", "C.UTF-8")
        .env("RUST_LOG", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("rundruf")
}

/// Peak of resident memory so far.
fn peak_mb(process: &Child) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()?)).ok()?;
    let kb = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kb: f64 = kb.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kb / 1024.0)
}
