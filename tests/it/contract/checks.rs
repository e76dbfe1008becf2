//! `check`: certificates and clocks of counterparts, what hangs on the own domains, this machine, the store; always with what
//! to do, in 80 columns.

use std::os::unix::fs::PermissionsExt;

use super::{WEBSITE, notice};
use crate::support::app::Answer;
use crate::support::{Peer, TestApp};

const IMPRINT: &str = "[publisher.potsdam.imprint]\nname = \"Stadt\"\naddress = \"Weg 1\"\nrepresented_by = \"OB\"\nphone = \"115\"\nemail = \"post@anderswo.example\"\nresponsible = \"Presse\"\n";

/// A publisher with a domain of its own and an imprint elsewhere.
fn publisher(more: &str) -> String {
    format!(
        "[publisher.potsdam]\nname = \"Potsdam\"\nphone = \"115\"\nown_domains = [\"potsdam.example\"]\n{more}{IMPRINT}"
    )
}

/// What `check` says of a counterpart with such a certificate and clock, trusting its authority or not.
fn looked_at(days: &str, name: &str, skew: &str, trusted: bool) -> Option<(Answer, Peer)> {
    looked_at_with(days, name, skew, |peer, command| {
        if trusted {
            command.env("SSL_CERT_FILE", peer.dir().join("ca.pem"));
        }
    })
}

/// The same on a machine that is prepared like this.
fn looked_at_with(
    days: &str,
    name: &str,
    skew: &str,
    prepare: impl Fn(&Peer, &mut std::process::Command),
) -> Option<(Answer, Peer)> {
    let peer = Peer::start_with("https", 1, &[days, name, skew], &[])?;
    let port = peer.port();
    // No kind of channel stands behind it: only the address of the public page.
    let app = TestApp::with_publishers(&publisher(""), WEBSITE);
    let config = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
    let own = format!("url = \"http://127.0.0.1:{}\"", app.port);
    app.write(
        "channels.toml",
        &config.replacen(&own, &format!("url = \"https://localhost:{port}\""), 1),
    );
    let mut command = app.command(&["check", "--json"]);
    prepare(&peer, &mut command);
    let output = command.output().unwrap();
    let answer = Answer {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    Some((answer, peer))
}

/// The findings about counterparts: level and text.
fn counterparts(answer: &Answer) -> Vec<(String, String)> {
    answer.json()["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["about"] == "counterparts")
        .map(|f| {
            (
                f["level"].as_str().unwrap().to_owned(),
                f["text"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

#[test]
fn a_certificate_that_ends_soon_is_said_with_its_days() {
    for (days, level, text, code) in [
        ("40", "well", "40 more days", 0),
        ("9", "note", "9 more days", 0),
        ("1", "wrong", "renew it today", 1),
        ("-1", "wrong", "has run out", 1),
    ] {
        let Some((answer, peer)) = looked_at(days, "localhost", "0", true) else {
            return;
        };
        assert_eq!(answer.code, code, "{days}: {} {}", answer.out, answer.err);
        let found = counterparts(&answer);
        let line = found
            .iter()
            .find(|(_, t)| t.contains("certificate"))
            .unwrap_or_else(|| panic!("{found:?}"));
        assert!(line.0 == level && line.1.contains(text), "{days}: {found:?}");
        // Nothing but a look at the top of the host.
        let requests = peer.read("requests");
        assert!(requests.lines().all(|l| l == "HEAD / HTTP/1.1"), "{requests}");
        assert_eq!(requests.is_empty(), days == "-1");
    }
}

#[test]
fn a_certificate_for_somebody_else_or_by_nobody_known_is_told_apart() {
    let Some((answer, _peer)) = looked_at("40", "anderswo.example", "0", true) else {
        return;
    };
    assert!(
        answer.code == 1 && counterparts(&answer)[0].1.contains("another address"),
        "{}",
        answer.out
    );
    let Some((answer, _peer)) = looked_at("40", "localhost", "0", false) else {
        return;
    };
    assert!(
        answer.code == 1 && counterparts(&answer)[0].1.contains("nobody this machine trusts"),
        "{}",
        answer.out
    );
}

#[test]
fn a_machine_without_certificates_is_told_from_a_bad_counterpart() {
    let looked = looked_at_with("40", "localhost", "0", |peer, command| {
        command.env("SSL_CERT_FILE", peer.dir().join("nowhere.pem"));
        command.env("SSL_CERT_DIR", peer.dir().join("nowhere"));
    });
    let Some((answer, _peer)) = looked else { return };
    let found = counterparts(&answer);
    assert!(answer.code == 1 && found[0].0 == "wrong", "{found:?}");
    assert!(
        found[0].1.starts_with("This machine has no certificates")
            && found[0]
                .1
                .contains("install ca-certificates and start rundruf serve again"),
        "{found:?}"
    );
}

#[test]
fn a_clock_that_is_off_is_found_by_its_counterparts() {
    for (skew, level, text) in [
        ("5", "well", "agrees"),
        // One alone does not say whose clock is wrong.
        ("-3720", "note", "+6"),
        ("600", "note", "-"),
    ] {
        let Some((answer, _peer)) = looked_at("40", "localhost", skew, true) else {
            return;
        };
        let found = counterparts(&answer);
        let line = found
            .iter()
            .find(|(_, t)| t.contains("clock"))
            .unwrap_or_else(|| panic!("{found:?}"));
        assert!(line.0 == level && line.1.contains(text), "{skew}: {found:?}");
        if level == "note" {
            assert!(line.1.contains("timedatectl"), "{line:?}");
        }
    }
}

#[test]
fn addresses_that_hang_on_the_own_domains_are_found_wherever_they_stand() {
    let channels = format!(
        "{WEBSITE}[channel.fern]\nkind = \"webhook\"\naudience = {{ file = \"hooks.csv\" }}\nsecret = \"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n"
    )
    .replace("\"file:public\"", "\"file:public\", \"sftp://web@www.potsdam.example/htdocs\"");
    let app = TestApp::with_publishers(&publisher(""), &channels);
    app.write(
        "hooks.csv",
        "address\nhttps://amt.potsdam.example/x\nhttps://leitstelle.example/x\n",
    );
    let config = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
    let own = format!("url = \"http://127.0.0.1:{}\"", app.port);
    app.write(
        "channels.toml",
        &config.replacen(&own, "url = \"https://info.potsdam.example\"", 1),
    );
    let published = "[contact.a]\nemail = \"post@potsdam.example\"\n[contact.b]\nemail = \"alt@potsdam.example\"\nstate = \"off\"\n[contact.c]\nemail = \"neu@anderswo.example\"\n";
    app.publish(&format!("{}{published}", notice(1)), &["--channel", "website"]);
    let check = app.run(&["check"]);
    assert_eq!(check.code, 1);
    let text = check.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for piece in [
        "site.url",
        "channel.website.targets",
        "1 of 2 addresses",
        "post@potsdam.example is published (contact.a)",
        "state = \"off\"",
    ] {
        assert!(text.contains(piece), "{piece}: {}", check.out);
    }
    for other in ["alt@", "neu@", "imprint.email"] {
        assert!(!text.contains(other), "{other}: {}", check.out);
    }
}

#[test]
fn files_that_others_can_read_are_named_with_the_command_that_mends_it() {
    let app = TestApp::with_publishers(
        &publisher(""),
        &format!(
            "{WEBSITE}[channel.hook]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/\"\nsecret_file = \"hook.secret\"\n"
        ),
    );
    app.write("hook.secret", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
    app.publish(&notice(1), &["--channel", "website"]);
    let mode = |file: &str, mode| {
        std::fs::set_permissions(app.path().join(file), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let said = || app.run(&["check"]).out.split_whitespace().collect::<Vec<_>>().join(" ");
    mode("hook.secret", 0o600);
    assert!(!said().contains("chmod"), "{}", said());
    for (file, open, closed) in [
        ("data/rundruf.key", 0o640, 0o600),
        ("data", 0o755, 0o700),
        ("hook.secret", 0o604, 0o600),
    ] {
        mode(file, open);
        let found = said();
        assert!(
            found.contains(&format!("chmod {closed:o} {}", app.path().join(file).display())),
            "{file}: {found}"
        );
        mode(file, closed);
    }
}

#[test]
fn a_backup_is_missed_until_there_is_one() {
    let app = TestApp::with_publishers(&publisher(""), WEBSITE);
    app.publish(&notice(1), &[]);
    let before = app.run(&["check"]).ok();
    assert!(before.out.contains("No backup has been made"), "{}", before.out);
    app.run(&["backup", "kopie"]).ok();
    let after = app.run(&["check"]).ok();
    assert!(after.out.contains("last backup is 0 days old"), "{}", after.out);
    // Free space and the loopback address are said, too, and hinder nobody.
    assert!(
        after.out.contains("free on the disk") && after.out.contains("[site] url"),
        "{}",
        after.out
    );
}

#[test]
fn an_imprint_is_asked_for_where_the_page_is_public() {
    let without = "[publisher.potsdam]\nname = \"Potsdam\"\nown_domains = [\"potsdam.example\"]\n";
    let app = TestApp::with_publishers(without, WEBSITE);
    // On this machine alone it is a word; with a public address it is wrong.
    let here = app.json(&["check"]);
    let imprint = |json: &serde_json::Value| {
        let all = json["findings"].as_array().unwrap().clone();
        all.into_iter()
            .find(|f| f["text"].as_str().unwrap().contains("imprint"))
            .unwrap()["level"]
            .clone()
    };
    assert_eq!(imprint(&here), "note");
    let config = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
    let own = format!("url = \"http://127.0.0.1:{}\"", app.port);
    app.write(
        "channels.toml",
        &config.replacen(&own, "url = \"https://stadt-info.invalid\"", 1),
    );
    let public = app.run(&["check", "--json"]);
    assert_eq!((public.code, imprint(&public.json())), (1, "wrong".into()));
}

#[test]
fn check_fits_the_terminal_in_both_languages() {
    let app = TestApp::with_publishers(&publisher(""), WEBSITE);
    app.publish(&notice(1), &[]);
    for lang in ["C.UTF-8", "de_DE.UTF-8"] {
        let output = app.command(&["check"]).env("LANG", lang).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        // A path is one word, however long.
        let wide: Vec<&str> = text
            .lines()
            .filter(|l| l.chars().count() > 80 && !l.contains('/'))
            .collect();
        assert!(wide.is_empty(), "{wide:?}");
        assert!(text.lines().any(|l| l.starts_with("  ✓ ")), "{text}");
    }
}

#[test]
fn a_lost_key_is_missed_and_never_replaced() {
    let app = TestApp::with_publishers(&publisher(""), WEBSITE);
    app.publish(&notice(1), &[]);
    let key = app.path().join("data/rundruf.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let check = app.german(&["check"]);
    assert_eq!(check.code, 1);
    let flat = check.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("rundruf.key fehlt, obwohl es hier schon Meldungen gibt"),
        "{flat}"
    );
    for args in [&["status"][..], &["serve"], &["publish", "meldung.toml", "--yes"]] {
        app.write("meldung.toml", &notice(2));
        let refused = app.german(args);
        assert!(
            refused.code == 1 && refused.err.contains("restore"),
            "{args:?}: {refused:?}"
        );
    }
    assert!(!key.exists());
    std::fs::write(&key, "short").unwrap();
    let check = app
        .german(&["check"])
        .out
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(check.contains("ist keine Schlüsseldatei von Rundruf"), "{check}");
    std::fs::write(&key, kept).unwrap();
    app.run(&["status"]).ok();
}

#[test]
fn what_is_expected_to_fail_with_the_own_domain_is_no_fault() {
    let mail = "[channel.email]\nkind = \"email\"\nserver = \"smtp.potsdam.example\"\ntls = \"tls\"\nfrom = \"info@potsdam.example\"\naudience = { file = \"v.csv\" }\n";
    let own = publisher("").replace("post@anderswo", "post@potsdam");
    let level = |gate: &str| {
        let app = TestApp::with_publishers(&own, &format!("{WEBSITE}{mail}{gate}"));
        app.write("v.csv", "address\na@b.example\n");
        let json = app.run(&["check", "--json"]).json();
        let all = json["findings"].as_array().unwrap().clone();
        let of = |field: &str| {
            let found = all
                .iter()
                .find(|f| f["text"].as_str().unwrap().starts_with(field))
                .unwrap();
            found["level"].as_str().unwrap().to_owned()
        };
        (of("publisher.potsdam.imprint.email"), of("channel.email.server"))
    };
    assert_eq!(level("gate = \"held\"\n"), ("note".to_owned(), "note".to_owned()));
    assert_eq!(level(""), ("note".to_owned(), "wrong".to_owned()));
}

/// What a gateway that never answers leaves behind.
#[test]
fn what_is_left_to_people_is_said_with_the_command_that_ends_it() {
    let gateway = super::redacting::never_answers();
    let app = TestApp::new(&format!("{WEBSITE}{}timeout = \"1s\"\n", super::sms(gateway)));
    app.write("presse.csv", "address\n+491713920001\n");
    let notice = "incident = \"2026-01-it\"\nheadline = \"Lage\"\nsummary = \"Stand.\"\nnext = { at = \"2026-01-24T16:00:00+01:00\" }\n";
    app.publish(notice, &["--wait"]);
    let found = |app: &TestApp| {
        let answer = app.run(&["check", "--json"]).json();
        let all = answer["findings"].as_array().unwrap().clone();
        let about = all.into_iter().filter(|finding| finding["about"] == "incidents");
        let text = |finding: serde_json::Value| finding["text"].as_str().unwrap().to_owned();
        about.map(text).collect::<Vec<_>>().join("\n")
    };
    let id = app.broadcast("sms", 1)["id"].clone();
    let text = found(&app);
    assert!(
        text.contains("promised for 24.01. 16:00 and is overdue")
            && text.contains("rundruf new update --incident potsdam/2026-01-it"),
        "{text}"
    );
    let decide =
        format!("of 1 message nobody knows whether it arrived. Please look and decide: rundruf decide b{id} there");
    assert!(text.contains(&decide), "{text}");
    app.run(&["decide", &format!("b{id}"), "there"]).ok();
    app.run(&["incident", "close", "2026-01-it", "--yes"]).ok();
    assert_eq!(found(&app), "");
    app.run(&["incident", "reopen", "2026-01-it"]).ok();
    // The publisher goes; whoever looks after the machine has to know whose incident is left.
    let config = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
    app.write(
        "channels.toml",
        &config.replace("[publisher.potsdam", "[publisher.soest"),
    );
    let text = found(&app);
    assert!(
        text.contains("potsdam is not configured any more")
            && text.contains("rundruf incident close potsdam/2026-01-it"),
        "{text}"
    );
}
