//! Signatures, verified by dkimpy with the DNS record that `check` names.

use std::process::{Command, Stdio};

use super::Office;
use crate::support::{python, skipped};

const VERIFY: &str = r#"
import dkim, re, sys
name, record, files = sys.argv[1], sys.argv[2].encode(), sys.argv[3:]
def dns(asked, timeout=5):
    assert asked.decode().rstrip(".") == name, asked
    return record
for file in files:
    mail = open(file, "rb").read().split(b"\r\n", 3)[3]
    assert dkim.verify(mail, dnsfunc=dns), file
    field = re.sub(rb"\s", b"", re.search(rb"DKIM-Signature:(.*?)\r\n(?![ \t])", mail, re.S)[1])
    signed = re.search(rb";h=([^;]*);", field)[1].split(b":")
    for wanted in (b"list-unsubscribe", b"list-unsubscribe-post", b"from", b"to", b"subject", b"date", b"message-id", b"references"):
        assert wanted in signed, (wanted, signed)
    # A changed word is noticed, in the head and in the body.
    for old, new in ((b"One-Click", b"No-Click"), (b"Bitte rufen", b"Bitte kommen")):
        assert old in mail and not dkim.verify(mail.replace(old, new), dnsfunc=dns), old
print("verified", len(files))
"#;

fn signed_by(algorithm: &[&str]) {
    let has = Command::new(python()).args(["-c", "import dkim, nacl"]).output();
    if !has.is_ok_and(|o| o.status.success()) {
        return skipped("dkimpy, PyNaCl: PyPI, tests/setup installs them");
    }
    let Some(office) = Office::open("dkim = { selector = \"rundruf\", key_file = \"dkim.pem\" }\n") else {
        return;
    };
    let key = office.app.path().join("dkim.pem");
    let made = Command::new("openssl")
        .arg("genpkey")
        .args(algorithm)
        .arg("-out")
        .arg(&key)
        .output();
    if !made.is_ok_and(|o| o.status.success()) {
        return skipped("openssl not installed (Debian openssl)");
    }
    let check = office.app.json(&["channel", "test", "email"]);
    let finding = |f: &serde_json::Value| {
        f["text"]
            .as_str()
            .unwrap()
            .split_once("The DNS must say: ")
            .map(|(_, r)| r.to_owned())
    };
    let record = check["findings"].as_array().unwrap().iter().find_map(finding).unwrap();
    let (name, record) = record.split_once(" TXT ").unwrap();
    assert_eq!(name, "rundruf._domainkey.stadt.example");

    let serve = office.serve();
    // Three languages, a name with umlauts, and a second mail that answers.
    for headline in ["Größe &amp; Übel  ", "Zweite"] {
        let number = office.publish(headline);
        office.delivered(number, 3);
    }
    assert_eq!(serve.stop(), 0);
    let files: Vec<_> = (1..=6)
        .map(|n| office.server.peer.dir().join(format!("mail/{n}.eml")))
        .collect();
    let done = Command::new(python())
        .args(["-c", VERIFY, name, record.trim_matches('"')])
        .args(&files)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        said.contains("verified 6"),
        "{said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[test]
fn every_ed25519_signature_is_good_and_covers_both_list_fields() {
    signed_by(&["-algorithm", "ed25519"]);
}

#[test]
fn every_rsa_signature_is_good_and_covers_both_list_fields() {
    signed_by(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
}
