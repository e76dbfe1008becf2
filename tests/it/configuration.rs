//! A configuration as administrators have it: in several files, with values from the environment; and what is wrong there.

use crate::contract::{hook, nobody};
use crate::support::TestApp;
use crate::support::app::Answer;

const PUBLISHER: &str = "[publisher.stadt]\nname = \"Stadt\"\nlanguages = [\"de\"]\n";

/// A command with these variables.
fn with(app: &TestApp, args: &[&str], variables: &[(&str, &str)]) -> Answer {
    let output = app.command(args).envs(variables.iter().copied()).output().unwrap();
    Answer {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn files_of_channels_d_add_their_tables_and_count_paths_from_themselves() {
    let app = TestApp::with_publishers("", "");
    app.write("channels.d/10-stadt.toml", PUBLISHER);
    app.write(
        "channels.d/20-website.toml",
        "[channel.website]\nkind = \"website\"\ntargets = [\"file:public\"]\n",
    );
    // Only files that end in .toml are read.
    app.write("channels.d/30-alt.toml.bak", "[channel.website]\nkind = \"nonsense\"\n");
    app.publish("headline = \"Lage\"\nsummary = \"Stand.\"\n", &["--wait"]);
    assert!(app.path().join("channels.d/public/stadt/index.html").is_file());
    assert_eq!(app.broadcasts().len(), 1);
}

#[test]
fn a_misspelt_section_in_channels_d_is_named_with_its_file() {
    let app = TestApp::with_publishers(PUBLISHER, "");
    app.write("channels.d/10.toml", "\n[chanel.sms]\nkind = \"kannel\"\n");
    let refused = app.run(&["status"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("channels.d/10.toml:2: ") && refused.err.contains("Did you mean \"channel\"?"),
        "{}",
        refused.err
    );
}

#[test]
fn the_environment_overrides_what_files_say() {
    let port = nobody();
    let app = TestApp::with_publishers(PUBLISHER, &hook("hook", port.first()));
    app.write("meldung.toml", "headline = \"Lage\"\nsummary = \"Stand.\"\n");
    let preview = |variables: &[(&str, &str)]| with(&app, &["preview", "meldung.toml"], variables).ok().out;
    assert!(preview(&[]).contains(&app.url()));
    let elsewhere = preview(&[("RUNDRUF__SITE__URL", "https://info.stadt.example")]);
    assert!(elsewhere.contains("https://info.stadt.example/stadt/"), "{elsewhere}");
    // A number, a channel's own key, a whole channel, a publisher's name.
    let listed = with(
        &app,
        &["channel", "list", "--json"],
        &[
            ("RUNDRUF__CHANNEL__HOOK__CONCURRENCY", "7"),
            ("RUNDRUF__CHANNEL__HOOK__URL", "https://nachbar.example/in"),
            ("RUNDRUF__CHANNEL__WEBSITE__KIND", "website"),
            ("RUNDRUF__CHANNEL__WEBSITE__TARGETS", "file:public"),
            ("RUNDRUF__PUBLISHER__STADT__NAME", "Stadt Werl"),
        ],
    )
    .ok()
    .json();
    let channels = listed["channels"].as_array().unwrap();
    assert_eq!(channels[0]["account"], "nachbar.example", "{listed}");
    assert_eq!(channels[1]["kind"], "website", "{listed}");
}

#[test]
fn a_mistake_in_the_environment_is_named_by_its_variable() {
    let app = TestApp::with_publishers(PUBLISHER, "");
    for (variable, value, words) in [
        ("RUNDRUF__SERV__LISTEN", "127.0.0.1:0", "Did you mean \"serve\"?"),
        ("RUNDRUF__LISTEN", "127.0.0.1:0", "there is no section"),
        ("RUNDRUF__SERVE__LISTN", "127.0.0.1:0", "Did you mean \"listen\"?"),
        ("RUNDRUF__SERVE__LISTEN", "localhost", "number and port"),
        ("RUNDRUF__SERVE", "127.0.0.1:0", "[serve]"),
        ("RUNDRUF__CHANNEL__SMS__KIND", "fax", "fax"),
    ] {
        let refused = with(&app, &["status"], &[(variable, value)]);
        assert_eq!(refused.code, 2, "{variable}: {}{}", refused.out, refused.err);
        assert!(
            refused.err.contains(variable) && refused.err.contains(words),
            "{variable}: {}",
            refused.err
        );
        assert!(refused.err.contains("nothing was done"), "{}", refused.err);
    }
    // Names of others are no business of ours.
    with(
        &app,
        &["status"],
        &[("RUNDRUF_SEED", "1"), ("RUNDRUFX__SERV__LISTEN", "x")],
    )
    .ok();
    assert!(!app.path().join("data").exists());
}
