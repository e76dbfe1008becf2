//! Gates, retries, decisions, names: the operator's side of a lane.

use super::{Counterpart, WEBSITE, hook, nobody, notice, reply};
use crate::support::TestApp;
use crate::support::receiver::{Receiver, SECRET};

#[test]
fn a_held_channel_starts_nothing_until_it_is_released() {
    let counterpart = Counterpart::start();
    let app = TestApp::new(&format!("{WEBSITE}{}", hook("hook", counterpart.port)));
    let serve = app.serve();
    let held = app.json(&["channel", "hold", "hook", "--reason", "Wartung"]);
    assert_eq!(
        (&held["gate"], &held["acknowledged"], &held["in_flight"]),
        (&"held".into(), &true.into(), &0.into())
    );
    app.publish(&notice(1), &["--wait"]);
    let status = app.run(&["status"]).ok().out;
    assert!(
        status.contains("held since") && status.contains("(Wartung); 1 waiting"),
        "{status}"
    );
    assert!(app.run(&["channel", "list"]).ok().out.contains("held since"));
    let refused = app.run(&["channel", "release", "hook"]);
    assert!(
        refused.code == 1 && refused.err.contains("1 notice goes out") && refused.err.contains("--yes"),
        "{}",
        refused.err
    );
    assert!(counterpart.requests.try_recv().is_err());
    app.run(&["channel", "release", "hook", "--yes"]).ok();
    counterpart.answer("200 OK");
    app.wait_for("hook", 1, "delivered", 1);
    let unknown = app.run(&["channel", "hold", "fax"]);
    assert!(
        unknown.code == 2 && unknown.err.contains("hook, website"),
        "{}",
        unknown.err
    );
    drop(serve);
}

#[test]
fn a_hold_says_how_much_is_in_flight() {
    let counterpart = Counterpart::start();
    let app = TestApp::new(&hook("hook", counterpart.port));
    let serve = app.serve();
    app.publish(&notice(1), &[]);
    let (_, mut stream) = counterpart.next();
    let held = app.run(&["channel", "hold", "hook"]).ok().out;
    assert!(held.contains("1 in flight"), "{held}");
    reply(&mut stream, "200 OK");
    app.wait_for("hook", 1, "delivered", 1);
    drop(serve);
}

#[test]
fn without_serve_a_hold_is_noted_and_kept() {
    let port = nobody();
    let app = TestApp::new(&hook("hook", port.first()));
    assert_eq!(app.json(&["channel", "hold", "hook"])["acknowledged"], true);
    app.publish(&notice(1), &["--wait"]);
    assert_eq!(app.broadcast("hook", 1)["light"], "held");
}

#[test]
fn retry_tries_now_and_explain_tells_the_story() {
    let counterpart = Counterpart::start();
    let app = TestApp::new(&hook("hook", counterpart.port));
    let serve = app.serve();
    app.publish(&notice(1), &[]);
    // Wrong credentials pause the lane: only a person ends that.
    counterpart.answer("401 Unauthorized");
    crate::support::eventually("the lane is paused", || {
        let list = app.json(&["channel", "list"]);
        (list["channels"][0]["health"]["health"] == "paused").then_some(())
    });
    let status = app.run(&["status"]).ok().out;
    assert!(
        status.contains("paused since") && status.contains("channel retry hook"),
        "{status}"
    );
    app.run(&["channel", "retry", "hook"]).ok();
    counterpart.answer("204 No Content");
    app.wait_for("hook", 1, "delivered", 1);
    let id = app.broadcast("hook", 1)["id"].to_string();
    let story = app.run(&["explain", &format!("b{id}")]).ok().out;
    for text in ["published", "failed", "delivered", "Lage 1"] {
        assert!(story.contains(text), "{text}: {story}");
    }
    let json = app.json(&["explain", &format!("b{id}")]);
    let delivery = json["delivery"]["id"].to_string();
    assert_eq!(app.json(&["explain", &delivery])["delivery"]["state"], "delivered");
    let missing = app.run(&["explain", "9999"]);
    assert!(
        missing.code == 1 && missing.err.contains("explain b7"),
        "{}",
        missing.err
    );
    drop(serve);
}

#[test]
fn a_website_is_explained_by_its_targets() {
    let app = TestApp::new(WEBSITE);
    app.publish(&notice(1), &["--wait"]);
    let id = app.broadcast("website", 1)["id"].to_string();
    let story = app.run(&["explain", &format!("b{id}")]).ok().out;
    assert!(
        story.contains("public") && story.contains("up to date since"),
        "{story}"
    );
}

#[test]
fn what_nobody_knows_a_person_decides() {
    let counterpart = Counterpart::start();
    let app = super::with_sms(counterpart.port);
    app.write("presse.csv", "address\n+491713920001\n");
    let serve = app.serve();
    let lose = |n: u32| {
        app.publish(&notice(n), &["--channel", "sms"]);
        drop(counterpart.next());
        app.wait_for("sms", u64::from(n), "unknown", 1);
        format!("b{}", app.broadcast("sms", u64::from(n))["id"])
    };
    let first = lose(1);
    let status = app.run(&["status"]).ok().out;
    assert!(status.contains(&format!("rundruf decide {first}")), "{status}");
    let story = app.run(&["explain", &first]).ok().out;
    assert!(story.contains("Nobody knows") && story.contains("+49171…01"), "{story}");
    assert_eq!(app.json(&["decide", &first, "there"])["decided"], 1);
    app.wait_for("sms", 1, "delivered", 1);
    let nothing = app.run(&["decide", &first, "there"]);
    assert!(
        nothing.code == 1 && nothing.err.contains("Nothing is to be decided"),
        "{}",
        nothing.err
    );
    let second = lose(2);
    app.run(&["decide", &second, "again", "--yes"]).ok();
    let (request, mut stream) = counterpart.next();
    assert!(request.contains("491713920001"), "{request}");
    let text = "0: Accepted for delivery";
    std::io::Write::write_all(
        &mut stream,
        format!(
            "HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        )
        .as_bytes(),
    )
    .unwrap();
    app.wait_for("sms", 2, "accepted", 1);
    let third = lose(3);
    assert_eq!(app.json(&["decide", &third, "drop"])["decided"], 1);
    app.wait_for("sms", 3, "dropped", 1);
    drop(serve);
}

#[test]
fn a_channel_that_left_the_configuration_is_kept_renamed_or_dropped() {
    let port = nobody();
    let app = TestApp::new(&hook("alt", port.first()));
    app.publish(&notice(1), &[]);
    let config = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
    let refused = app.run(&["channel", "drop", "alt", "--yes"]);
    assert!(
        refused.code == 1 && refused.err.contains("still configured"),
        "{}",
        refused.err
    );
    let refused = app.run(&["channel", "rename", "alt", "neu"]);
    assert!(
        refused.code == 1 && refused.err.contains("still configured"),
        "{}",
        refused.err
    );
    app.write("channels.toml", &config.replace("[channel.alt]", "[channel.neu]"));
    assert!(
        app.run(&["channel", "list"])
            .ok()
            .out
            .contains("not configured any more")
    );
    assert_eq!(app.broadcast("alt", 1)["light"], "look");
    app.run(&["channel", "rename", "alt", "neu"]).ok();
    app.json(&["channel", "list"]);
    assert_eq!(
        app.broadcast("neu", 1)["counters"]["waiting"],
        app.broadcast("neu", 1)["counters"]["opened"]
    );
    app.write("channels.toml", &config.replace("[channel.alt]", "[channel.dritter]"));
    app.json(&["channel", "list"]);
    let asked = app.run(&["channel", "drop", "neu"]);
    assert!(asked.code == 1 && asked.err.contains("--yes"), "{}", asked.err);
    app.run(&["channel", "drop", "neu", "--yes"]).ok();
    assert_eq!(app.broadcast("neu", 1)["counters"]["waiting"], 0);
}

#[test]
fn check_and_test_name_what_is_wrong_and_what_hangs_on_the_own_domains() {
    let port = nobody();
    let publisher = "[publisher.potsdam]\nname = \"Potsdam\"\nown_domains = [\"potsdam.example\"]\n[publisher.potsdam.imprint]\nname = \"Stadt\"\naddress = \"Weg 1\"\nrepresented_by = \"OB\"\nphone = \"115\"\nemail = \"it@mail.potsdam.example\"\nresponsible = \"Presse\"\n";
    let channels = format!(
        "{WEBSITE}{}[channel.fern]\nkind = \"webhook\"\nurl = \"https://hook.potsdam.example/in\"\nsecret = \"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n",
        hook("nah", port.first())
    );
    let app = TestApp::with_publishers(publisher, &channels);
    let check = app.run(&["check"]);
    assert_eq!(check.code, 1);
    for text in [
        "channel.fern.url",
        "publisher.potsdam.imprint.email",
        "potsdam.example",
        "nah",
        "website",
    ] {
        assert!(check.out.contains(text), "{text}: {}", check.out);
    }
    assert!(!check.out.contains("whsec_"), "{}", check.out);
    let json = app.run(&["check", "--json"]);
    assert_eq!((json.code, &json.json()["ok"]), (1, &false.into()));
    assert_eq!(app.run(&["channel", "test", "website"]).code, 0);
    assert_eq!(app.run(&["channel", "test", "nah"]).code, 1);
    assert_eq!(app.run(&["channel", "test", "fax"]).code, 2);
    assert!(!app.path().join("data").exists());
}

#[test]
fn measure_reads_lines_and_answers_in_order() {
    use std::io::Write;
    let app = TestApp::new("");
    let measure = |service: &str, lines: &str| {
        // Also without any configuration.
        std::fs::remove_file(app.path().join("channels.toml")).ok();
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_rundruf"))
            .args(["measure", "--as", service])
            .current_dir(app.path())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let values: Vec<serde_json::Value> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        (output.status.code().unwrap(), values)
    };
    for service in ["sms", "x", "mastodon", "bluesky", "threads", "telegram"] {
        let (code, values) = measure(service, "{\"text\": \"a\"}\n{\"text\": \"bc\"}\n");
        assert_eq!((code, values.len()), (0, 2), "{service}");
        assert!(
            values.iter().all(|v| v["fits"] == true) && values[0]["length"] != values[1]["length"],
            "{service}: {values:?}"
        );
    }
    let (code, values) = measure("sms", "{\"text\": \"a\"}\nno JSON\n");
    assert_eq!((code, values.len()), (2, 1));
}

#[test]
fn a_fault_in_the_press_list_holds_up_nobody_else() {
    let receiver = Receiver::start();
    let app = TestApp::new(&format!(
        "[channel.website]\nkind = \"website\"\ntargets = [\"file:public\"]\n
         [channel.presse]\nkind = \"webhook\"\naudience = {{ file = \"presse.csv\" }}\nsecret = \"{SECRET}\"\nallow_private = true\n"
    ));
    let hook = format!("http://127.0.0.1:{}/hook", receiver.port());
    let faulty = format!("address,name,language\n{hook},Lokalblatt,de\n{hook}2,Rundfunk,klingonisch\n");
    app.write("presse.csv", &faulty);
    app.write(
        "meldung.toml",
        "headline = \"Die IT ist aus\"\nsummary = \"Bitte anrufen.\"\n",
    );

    // A list that was never right would reach nobody, and the notice would be over before it is mended.
    let refused = app.run(&["publish", "meldung.toml", "--yes"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("presse.csv:3"), "{}", refused.err);
    app.run(&["channel", "hold", "website"]).ok();
    app.run(&["channel", "release", "website", "--yes"]).ok();
    app.run(&["publish", "meldung.toml", "--channel", "website", "--wait", "--yes"])
        .ok();

    app.write("presse.csv", &format!("address,name\n{hook},Lokalblatt\n"));
    app.publish(
        "headline = \"Zweite Lage\"\nsummary = \"Bitte anrufen.\"\n",
        &["--wait"],
    );
    app.write("presse.csv", &faulty);
    let serve = app.serve();
    app.write(
        "dritte.toml",
        "headline = \"Dritte Lage\"\nsummary = \"Bitte anrufen.\"\n",
    );
    let said = app.run(&["publish", "dritte.toml", "--yes"]).ok();
    assert!(
        said.out.contains("presse.csv:3") && said.out.contains("1 recipients"),
        "{}",
        said.out
    );
    app.wait_for("presse", 3, "delivered", 1);
    app.wait_for("website", 3, "delivered", 1);
    assert_eq!(receiver.hooks().len(), 2);
    assert_eq!(serve.stop(), 0);
}
