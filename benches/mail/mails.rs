//! As many mails as a city's list has readers, each to one recipient, all to the same receiver: the others and we in turn, three times.

use super::nodemailer;
use super::openssl;
use super::postfix;
use super::product::{self, Dkim};
use super::smtp_sink::SmtpSink;
use crate::kit::machine;
use crate::kit::rivals;
use crate::kit::table::Table;

const MAILS: u64 = 10_000;
/// As nodemailer comes, and as many as Postfix has.
const CONNECTIONS: [u32; 2] = [5, 20];

/// Bars of issue 3.
const BY_POSTFIX: f64 = 6.0;
const BY_NODEMAILER: f64 = 2.0;
const BY_OPENSSL: f64 = 0.6;

/// Mails a second in one round; of others `None` where they are not installed.
struct Round {
    postfix: Option<f64>,
    nodemailer: Option<f64>,
    /// Signatures a second, and without AVX-512 IFMA.
    openssl: Option<f64>,
    openssl_plain: Option<f64>,
    plain: Option<f64>,
    ed25519: Option<f64>,
    rsa: Option<f64>,
}

/// The middle ratio of three rounds counts.
pub async fn three_rounds(table: &mut Table) {
    println!("{MAILS} mails to one smtp-sink");
    let Some(sink) = SmtpSink::start().await else {
        rivals::skipped("smtp-sink");
        return;
    };
    let mut rounds = Vec::new();
    for _ in 0..3 {
        rounds.push(round(&sink).await);
    }
    let plain = |r: &Round| r.plain;
    let ed25519 = |r: &Round| r.ed25519;
    let mut hold = |what: &str, bar, ours: fn(&Round) -> Option<f64>, theirs: fn(&Round) -> Option<f64>| {
        let ratios: Option<Vec<f64>> = rounds.iter().map(|r| Some(ours(r)? / theirs(r)?)).collect();
        if let Some(ratios) = ratios {
            table.share(what, ratios, bar);
        }
    };
    hold("mails by Postfix", BY_POSTFIX, plain, |r| r.postfix);
    hold("mails, DKIM ed25519, by Postfix", BY_POSTFIX, ed25519, |r| r.postfix);
    let nodemailer = |r: &Round| r.nodemailer;
    hold("mails by nodemailer", BY_NODEMAILER, plain, nodemailer);
    hold("mails, DKIM ed25519, by nodemailer", BY_NODEMAILER, ed25519, nodemailer);
    let rsa = |r: &Round| r.rsa;
    let what = "mails, DKIM rsa2048, by openssl speed";
    hold(what, BY_OPENSSL, rsa, |r| r.openssl);
    let what = "the same, openssl without AVX-512 IFMA";
    hold(what, BY_OPENSSL, rsa, |r| r.openssl_plain);
}

async fn round(sink: &SmtpSink) -> Round {
    println!("  {}", machine::minute());
    let say = |who: &str, what: &str, speed: Option<f64>| match speed {
        Some(speed) => println!("    {who}: {speed:.0} {what}/s"),
        None => rivals::skipped(who),
    };
    let postfix = postfix::run(sink, MAILS).await;
    say("Postfix", "mails", postfix);
    let mut nodemailer = None;
    for connections in CONNECTIONS {
        let speed = nodemailer::run(sink, MAILS, connections).await;
        say(&format!("nodemailer, {connections} connections"), "mails", speed);
        // Whichever is faster is the one to beat.
        nodemailer = speed.into_iter().chain(nodemailer).reduce(f64::max);
    }
    let plain = product::run(sink, MAILS, Dkim::None).await;
    say("rundruf", "mails", plain);
    let ed25519 = product::run(sink, MAILS, Dkim::Ed25519).await;
    say("rundruf, DKIM ed25519", "mails", ed25519);
    let openssl = openssl::run(true).await;
    say("openssl speed rsa2048, all cores", "signatures", openssl);
    let openssl_plain = openssl::run(false).await;
    say("the same without AVX-512 IFMA", "signatures", openssl_plain);
    let rsa = product::run(sink, MAILS, Dkim::Rsa2048).await;
    say("rundruf, DKIM rsa2048", "mails", rsa);
    Round {
        postfix,
        nodemailer,
        openssl,
        openssl_plain,
        plain,
        ed25519,
        rsa,
    }
}
