//! Case A, published in turn to real counterparts: what arrives there is what was written here.

use super::support::stage::{assert_same, files};
use super::support::{Stage, root};

const HEADLINES: [&str; 3] = [
    "E-Mail an die Stadtverwaltung geht wieder",
    "E-Mail und Online-Dienste der Stadt sind wieder abgeschaltet",
    "Was zurzeit geht und was nicht: Fragen und Antworten",
];
const SHORTS: [&str; 3] = [
    "Potsdam: E-Mail an die Stadtverwaltung geht wieder.",
    "Potsdam: E-Mail und Online-Dienste der Stadt heute erneut abgeschaltet.",
    "Potsdam: E-Mail und Online-Dienste weiter abgeschaltet.",
];

#[test]
fn case_a_arrives_whole_everywhere() {
    let Some(stage) = Stage::with_password_sftp() else {
        return;
    };
    let app = &stage.app;
    let serve = app.serve();
    for (n, file) in (1..).zip(["1-2023-01-16", "2-2023-01-24", "3-2023-01-31"]) {
        let notice = std::fs::read_to_string(root().join(format!("examples/a-potsdam/{file}.toml"))).unwrap();
        let done = app.publish(&notice, &[]);
        assert_eq!((&done["number"], &done["created"]), (&n.into(), &true.into()), "{done}");
        // Notice 2 takes notice 1 back: what of it still waited then would rightly never go out.
        stage.all_delivered(n);
    }

    // Website: the same bytes on every target as in an export, and nothing else.
    app.run(&["export", "ausgabe"]).ok();
    let export = files(&app.path().join("ausgabe"));
    assert!(
        export.len() > 20 && export.contains_key("potsdam/2023-01-it/3/index.html"),
        "{:?}",
        export.keys()
    );
    let second = stage.second.as_ref().unwrap();
    for target in [
        app.path().join("public"),
        stage.sftp.dir().join("www/htdocs"),
        second.dir().join("www/web/htdocs"),
    ] {
        assert_same(&export, &files(&target), &target);
    }

    // Mastodon: one thread of three posts.
    let mut posts = stage.posts();
    posts.reverse();
    assert_eq!(posts.len(), 3, "{posts:#?}");
    let mut parent = &serde_json::Value::Null;
    for (post, headline) in posts.iter().zip(HEADLINES) {
        let content = post["content"].as_str().unwrap();
        assert!(content.contains(headline), "{headline}: {content}");
        assert_eq!(&post["in_reply_to_id"], parent, "{post:#?}");
        parent = &post["id"];
    }

    // SMS: each text once to each number, and the centre's receipts made them delivered.
    let last = SHORTS.len() - 1;
    stage.sms_about(SHORTS[last], 2);
    let sms = stage.sms();
    assert_eq!(sms.len(), 6, "{sms:#?}");
    for (short, n) in SHORTS.iter().zip(1..) {
        for to in ["+491713920001", "+491713920002"] {
            let texts: Vec<_> = sms.iter().filter(|s| s.to == to && s.text.contains(short)).collect();
            assert_eq!(texts.len(), 1, "{short} to {to}: {sms:#?}");
            let link = format!("{}/potsdam/2023-01-it/{n}/", app.url());
            assert!(texts[0].text.contains(&link), "no {link}: {texts:?}");
        }
    }

    // Webhook: every signature good, every notice once.
    let hooks = stage.receiver.hooks();
    assert!(hooks.iter().all(|hook| hook.verified), "{hooks:#?}");
    let told: Vec<_> = hooks
        .iter()
        .map(|hook| hook.body["data"]["headline"].as_str().unwrap())
        .collect();
    assert_eq!(told, HEADLINES);

    let status = app.json(&["status", "2023-01-it"]);
    let lights = status["incidents"][0]["broadcasts"].as_array().unwrap().iter();
    let not_done: Vec<_> = lights.filter(|b| b["light"] != "done").collect();
    assert!(not_done.is_empty(), "{not_done:#?}");
    assert_eq!(serve.stop(), 0);
}
