//! `rundruf verify`: copies in folders and on the web, whole and otherwise; who signed them; what a third party finds.

mod hostile;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rundruf::formats::manifest::MANIFEST;
use rundruf::formats::well_known::DESCRIPTION;
use serde_json::Value;

use super::support::app::Answer;
use super::support::{Peer, TestApp, eventually, python, skipped};

const PAGE: &str = "potsdam/index.html";

fn website(folder: &str) -> String {
    format!("[channel.website]\nkind = \"website\"\ntargets = [\"file:{folder}\"]\n")
}

/// An installation with one notice in this folder.
fn published(folder: &str) -> TestApp {
    let app = TestApp::new(&website(folder));
    app.publish(
        "incident = \"ausfall\"\nheadline = \"Störung\"\nsummary = \"Bitte rufen Sie an.\"\n",
        &["--wait"],
    );
    app
}

/// `verify` as somebody runs it who has no installation.
fn stranger(args: &[&str]) -> Answer {
    let elsewhere = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_rundruf"))
        .arg("verify")
        .args(args)
        .current_dir(elsewhere.path())
        .env("LANG", "C.UTF-8")
        .env_remove("LC_ALL")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(
        std::fs::read_dir(elsewhere.path()).unwrap().count(),
        0,
        "verify writes nothing"
    );
    TestApp::answer(output)
}

/// With `--json`: the exit code and what was found.
fn found(args: &[&str]) -> (i32, Value) {
    let answer = stranger(&[args, &["--json"]].concat());
    (answer.code, answer.json())
}

fn copy_of(folder: &Path) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("copy");
    let done = Command::new("cp").arg("-r").arg(folder).arg(&to).status().unwrap();
    assert!(done.success());
    (dir, to)
}

fn key(folder: &Path) -> String {
    let description: Value = serde_json::from_slice(&std::fs::read(folder.join(DESCRIPTION)).unwrap()).unwrap();
    description["key"]["x"].as_str().unwrap().to_owned()
}

#[test]
fn a_whole_copy_is_known_by_its_key() {
    let app = published("public");
    app.run(&["export", "out"]).ok();
    for folder in ["public", "out"] {
        let answer = app.json(&["verify", folder]);
        assert_eq!(
            (&answer["ok"], &answer["trust"], &answer["pinned"]),
            (&true.into(), &"own".into(), &true.into())
        );
        assert_eq!((&answer["instance"], &answer["signature"]), (&1.into(), &"good".into()));
        assert!(
            answer["files"].as_u64().unwrap() > 10 && answer["extra"] == serde_json::json!([]),
            "{answer}"
        );
        assert!(
            answer["as_of"].is_string() && answer["generation"].as_u64().unwrap() > 0,
            "{answer}"
        );
    }
    let folder = app.path().join("public");
    let (path, key) = (folder.to_str().unwrap(), key(&folder));
    let (code, answer) = found(&[path]);
    assert_eq!(
        (code, &answer["pinned"], &answer["trust"]),
        (1, &false.into(), &"copy".into())
    );
    let (code, answer) = found(&[path, "--key", &key]);
    assert_eq!(
        (code, &answer["pinned"], &answer["trust"]),
        (0, &true.into(), &"named".into())
    );
    // People find the key where they look for what to do.
    assert!(app.run(&["check"]).out.contains(&key));

    // A key may begin with what looks like an option.
    for other in [
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "-YX3ht2bQ4xdvCP86uS8sFnHDKeQtX4wdgNIW3TN8iU",
    ] {
        let (code, answer) = found(&[path, "--key", other]);
        assert_eq!(
            (code, &answer["signature"], &answer["ok"]),
            (1, &"other-key".into(), &false.into())
        );
    }
    for (args, code) in [
        (&[path, "--key", "kurz"][..], 2),
        (&["/nirgends"], 2),
        (&["https://u:p@host.example/"], 2),
        (&[app.path().to_str().unwrap()], 1),
    ] {
        let answer = stranger(args);
        assert!(answer.code == code && !answer.err.is_empty(), "{args:?}: {answer:?}");
    }
}

#[test]
fn what_differs_is_named() {
    let app = published("public");
    type Change = (&'static str, &'static str, fn(&Path));
    let changes: [Change; 4] = [
        ("changed", PAGE, |copy| {
            let mut page = std::fs::read(copy.join(PAGE)).unwrap();
            let middle = page.len() / 2;
            page[middle] ^= 1;
            std::fs::write(copy.join(PAGE), page).unwrap();
        }),
        ("changed", PAGE, |copy| {
            let mut page = std::fs::read(copy.join(PAGE)).unwrap();
            page.push(b'\n');
            std::fs::write(copy.join(PAGE), page).unwrap();
        }),
        ("missing", "potsdam/feed.rss", |copy| {
            std::fs::remove_file(copy.join("potsdam/feed.rss")).unwrap();
        }),
        ("extra", "potsdam/tür.php", |copy| {
            std::fs::write(copy.join("potsdam/tür.php"), "<?php").unwrap();
        }),
    ];
    for (kind, path, change) in changes {
        let (_dir, copy) = copy_of(&app.path().join("public"));
        change(&copy);
        let (code, answer) = found(&[copy.to_str().unwrap()]);
        assert_eq!((code, &answer["ok"]), (1, &false.into()), "{answer}");
        for each in ["changed", "missing", "extra"] {
            let expected = if each == kind {
                serde_json::json!([path])
            } else {
                serde_json::json!([])
            };
            assert_eq!(answer[each], expected, "{each}: {answer}");
        }
        let words = stranger(&[copy.to_str().unwrap()]);
        assert!(words.code == 1 && words.out.contains(path), "{words:?}");
    }
}

#[test]
fn what_verify_says_is_to_be_done_makes_it_good() {
    let app = published("public");
    let _serve = app.serve();
    std::fs::write(app.path().join("public").join(PAGE), "<p>Alles ist gut</p>").unwrap();
    let words = app.run(&["verify", "public"]);
    assert!(
        words.code == 1 && in_one_line(&words.out).contains(&format!("delete {MANIFEST}")),
        "{words:?}"
    );
    std::fs::remove_file(app.path().join("public").join(MANIFEST)).unwrap();
    app.run(&["channel", "retry", "website"]).ok();
    eventually("the copy is whole again", || {
        (app.run(&["verify", "public"]).code == 0).then_some(())
    });
}

/// The manifest's payload with something else in it, under the old signature.
fn forged(manifest: &Path) {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let mut jws: Value = serde_json::from_slice(&std::fs::read(manifest).unwrap()).unwrap();
    let mut payload: Value = serde_json::from_slice(&base64.decode(jws["payload"].as_str().unwrap()).unwrap()).unwrap();
    payload["files"].as_object_mut().unwrap().remove(PAGE);
    jws["payload"] = base64.encode(payload.to_string()).into();
    std::fs::write(manifest, jws.to_string()).unwrap();
}

#[test]
fn a_forged_list_says_nothing() {
    let app = published("public");
    let (_dir, copy) = copy_of(&app.path().join("public"));
    forged(&copy.join(MANIFEST));
    for args in [
        &[copy.to_str().unwrap()][..],
        &[copy.to_str().unwrap(), "--key", &key(&copy)],
    ] {
        let (code, answer) = found(args);
        assert_eq!(
            (code, &answer["signature"], &answer["ok"]),
            (1, &"forged".into(), &false.into())
        );
    }
    std::fs::write(copy.join(MANIFEST), "{}").unwrap();
    assert_eq!(found(&[copy.to_str().unwrap()]).1["signature"], "unreadable");

    // Another installation signs as well as this one, but not with its key.
    let other = published("public");
    let theirs = other.path().join("public");
    let answer = app.run(&["verify", theirs.to_str().unwrap(), "--json"]);
    assert_eq!((answer.code, &answer.json()["signature"]), (1, &"other-key".into()));
}

/// What stands in two lines or more, in one.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn an_older_state_signed_well_is_told_from_the_one_that_holds() {
    let app = published("public");
    let (_dir, before) = copy_of(&app.path().join("public"));
    app.publish(
        "incident = \"ausfall\"\nheadline = \"Weiter\"\nsummary = \"Es dauert.\"\n",
        &["--wait"],
    );
    let (old, new) = (before.to_str().unwrap(), app.path().join("public"));
    // Its publisher knows what holds now.
    let answer = app.run(&["verify", old, "--json"]);
    let json = answer.json();
    assert_eq!(
        (answer.code, &json["ok"], &json["current"], &json["signature"]),
        (1, &false.into(), &false.into(), &"good".into()),
        "{json}"
    );
    assert_eq!(
        (&json["changed"], &json["missing"]),
        (&serde_json::json!([]), &serde_json::json!([]))
    );
    let words = app.run(&["verify", old]);
    assert!(
        words.code == 1 && in_one_line(&words.out).contains("shows an older state"),
        "{words:?}"
    );
    let german = app.german(&["verify", old]);
    assert!(
        in_one_line(&german.out).contains("zeigt einen älteren Stand"),
        "{german:?}"
    );
    assert!(german.out.lines().all(|line| line.chars().count() <= 80), "{german:?}");
    assert_eq!(app.json(&["verify", "public"])["current"], true);

    // Others see it by comparing, and are told so.
    let key = key(&new);
    let as_of = |copy: &str| {
        let (code, json) = found(&[copy, "--key", &key]);
        assert_eq!((code, &json["current"]), (0, &Value::Null), "{json}");
        json["as_of"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap()
    };
    assert!(as_of(old) < as_of(new.to_str().unwrap()));
    let words = stranger(&[old, "--key", &key]).ok().out;
    assert!(in_one_line(&words).contains("Compare with another copy"), "{words}");
}

#[test]
fn a_restored_installation_keeps_its_key_and_knows_its_older_copies() {
    let app = published("public");
    let (_dir, before) = copy_of(&app.path().join("public"));
    let backup = app.path().join("sicherung");
    app.run(&["backup", backup.to_str().unwrap()]).ok();
    // Another machine, the same web space.
    let public = app.path().join("public");
    let restored = TestApp::new(&website(public.to_str().unwrap()));
    restored.run(&["restore", backup.to_str().unwrap(), "--yes"]).ok();

    let old = before.to_str().unwrap();
    let answer = restored.run(&["verify", old, "--json"]);
    let json = answer.json();
    assert_eq!(
        (answer.code, &json["signature"], &json["instance"]),
        (1, &"good".into(), &1.into()),
        "{json}"
    );
    let words = in_one_line(&restored.run(&["verify", old]).out);
    assert!(words.contains("older instance (1; 2 runs"), "{words}");

    restored.publish(
        "incident = \"ausfall\"\nheadline = \"Weiter\"\nsummary = \"Es dauert.\"\n",
        &["--wait"],
    );
    let answer = restored.json(&["verify", public.to_str().unwrap()]);
    assert_eq!((&answer["instance"], &answer["key"]), (&2.into(), &key(&before).into()));
    // The old one would now be the older of two.
    let words = app.run(&["verify", "public"]);
    assert!(
        words.code == 1 && in_one_line(&words.out).contains("newer instance"),
        "{words:?}"
    );
}

#[test]
fn copies_on_the_web() {
    let Some(nginx) = Peer::start("nginx", 1) else { return };
    let folder = nginx.dir().join("www/kopie");
    let app = published(folder.to_str().unwrap());
    let serve = app.serve();
    let url = format!("{}/kopie", nginx.url());
    for url in [url.as_str(), &format!("{url}/"), &app.url()] {
        let (code, answer) = found(&[url, "--key", &key(&folder)]);
        assert_eq!(
            (code, &answer["ok"], &answer["extra"]),
            (0, &true.into(), &Value::Null),
            "{url}: {answer}"
        );
    }
    assert_eq!(serve.stop(), 0);

    std::fs::write(folder.join(PAGE), "<p>Alles ist gut</p>").unwrap();
    std::fs::write(folder.join("potsdam/feed.atom"), vec![b' '; 1 << 20]).unwrap();
    std::fs::remove_file(folder.join("potsdam/feed.json")).unwrap();
    let (code, answer) = found(&[&url]);
    assert_eq!(code, 1);
    assert_eq!(answer["changed"], serde_json::json!(["potsdam/feed.atom", PAGE]));
    assert_eq!(answer["missing"], serde_json::json!(["potsdam/feed.json"]));

    for (conf, why) in [
        ("return 503;", "503"),
        ("return 301 https://elsewhere.example/;", "https://elsewhere.example/"),
    ] {
        nginx.verb("fail", &[conf]);
        let answer = stranger(&[&url]);
        assert!(answer.code == 1 && answer.err.contains(why), "{answer:?}");
    }
    nginx.stop();
    let answer = stranger(&[&url]);
    assert!(
        answer.code == 1 && answer.err.contains("nothing answers there"),
        "{answer:?}"
    );
}

/// RFC 7515 and RFC 8037 as others read them.
const BY_OTHERS: &str = r#"
import base64, hashlib, json, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
coded = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
folder = sys.argv[1] + "/"
jws = json.load(open(folder + ".well-known/rundruf-manifest.json"))
described = json.load(open(folder + ".well-known/rundruf.json"))
key = Ed25519PublicKey.from_public_bytes(coded(described["key"]["x"]))
key.verify(coded(jws["signature"]), (jws["protected"] + "." + jws["payload"]).encode())
assert json.loads(coded(jws["protected"]))["alg"] == "EdDSA"
files = json.loads(coded(jws["payload"]))["files"]
for path, entry in files.items():
    content = open(folder + path, "rb").read()
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (entry["sha256"], entry["bytes"]), path
for publisher in described["publishers"]:
    for feed in [*publisher["feeds"].values(), publisher["state"]]:
        assert feed.removeprefix(described["url"]) in files, feed
print(len(files))
"#;

#[test]
fn others_check_a_copy_with_what_they_have() {
    let has = Command::new(python())
        .args(["-c", "import cryptography"])
        .stderr(Stdio::null())
        .status();
    if !has.is_ok_and(|status| status.success()) {
        return skipped("Python's cryptography is not there");
    }
    let app = published("public");
    let folder = app.path().join("public");
    let output = Command::new(python())
        .args(["-c", BY_OTHERS])
        .arg(&folder)
        .output()
        .unwrap();
    let answer = TestApp::answer(output).ok();
    assert!(answer.out.trim().parse::<usize>().unwrap() > 10, "{answer:?}");
}
