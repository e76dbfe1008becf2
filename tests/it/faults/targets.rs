//! Places a website goes to: SFTP servers by key and by password, a folder nobody may write to.

use std::path::Path;

use super::{Play, says_when};
use crate::support::stage::{assert_same, files};
use crate::support::{Stage, TestApp, eventually};

/// What a target has is what the folder `public` has.
fn whole(app: &TestApp, there: &Path) {
    let wanted = files(&app.path().join("public"));
    assert!(wanted.len() > 20);
    assert_same(&wanted, &files(there), there);
}

#[test]
fn an_sftp_server_fails_in_every_way() {
    let Some(play) = Play::begin("website") else { return };
    let (stage, proxy) = (&play.stage, &play.stage.sftp_proxy);
    let whole = || whole(&stage.app, &stage.sftp.dir().join("www/htdocs"));
    // The others waited for the link, not longer than five seconds; the folder beside it has the notice all the while.
    let others_deliver = |number: u64| {
        let website = play.others_deliver(number);
        assert_eq!(website["counters"]["delivered"], 1, "{website}");
        for channel in ["mastodon", "sms", "nachbarn"] {
            // Not before is the promise here; how soon after is the bench's matter.
            let b = stage.app.broadcast(channel, number);
            let waited = b["first_done_ms"].as_i64().unwrap() - b["created_ms"].as_i64().unwrap();
            assert!(waited >= 5_000, "{channel} went after {waited} ms, without its link");
        }
    };

    proxy.stop();
    stage.sftp.stop();
    let number = play.publish("Server steht");
    others_deliver(number);
    play.says_when(number, "nothing answers");
    stage.sftp.start_again();
    proxy.start_again();
    play.recovers(number);
    whole();

    for (mode, words) in [
        ("hang", "10s"),
        // In the middle of the upload, from either side.
        ("cut-request 9000 x1 then refuse", "sftp://"),
        ("cut-answer 5000 x1 then refuse", "sftp://"),
    ] {
        proxy.mode(mode);
        let number = play.publish(&format!("Server: {mode}"));
        others_deliver(number);
        play.says_when(number, words);
        proxy.mode("pass");
        proxy.cut();
        play.recovers(number);
        whole();
    }
    play.end();
}

#[test]
fn an_sftp_server_by_password_fails_and_holds_up_nobody() {
    let Some(stage) = Stage::with_password_sftp() else {
        return;
    };
    let play = Play::on(stage, "website");
    let stage = &play.stage;
    let (server, proxy) = (stage.second.as_ref().unwrap(), stage.second_proxy.as_ref().unwrap());
    // The two other targets and all channels have it; nobody waits for a link here.
    let others_deliver = |number: u64| {
        stage.app.wait_for("website", number, "delivered", 2);
        play.others_deliver(number);
    };
    let whole = || whole(&stage.app, &server.dir().join("www/web/htdocs"));
    proxy.stop();
    server.stop();
    let number = play.publish("Zweiter Server steht");
    others_deliver(number);
    play.says_when(number, "nothing answers there");
    server.start_again();
    proxy.start_again();
    play.recovers(number);
    whole();
    for (mode, words) in [
        ("hang", "10s"),
        ("cut-request 9000 x1 then refuse", "sftp://kommune@"),
        ("cut-answer 5000 x1 then refuse", "sftp://kommune@"),
    ] {
        proxy.mode(mode);
        let number = play.publish(&format!("Zweiter Server: {mode}"));
        others_deliver(number);
        play.says_when(number, words);
        proxy.mode("pass");
        proxy.cut();
        play.recovers(number);
        whole();
    }
    // The password is in no text.
    let told = stage.app.run(&["channel", "list"]).ok().out + &stage.app.log();
    assert!(!told.contains("geheim"), "{told}");
    play.end();
}

#[test]
fn a_folder_nobody_may_write_to_is_named_and_caught_up_with() {
    let app = TestApp::new("[channel.website]\nkind = \"website\"\ntargets = [\"file:public\", \"file:zweite\"]\n");
    // A read-only file system: there not even root may write.
    std::os::unix::fs::symlink("/sys/kernel", app.path().join("zweite")).unwrap();
    let serve = app.serve();
    let notice = "headline = \"Lage\"\nsummary = \"Bitte rufen Sie an.\"\ncontact.zentrale.phone = \"115\"\n";
    let number = app.publish(notice, &[])["number"].as_u64().unwrap();
    app.wait_for("website", number, "delivered", 1);
    says_when(&app, "website", number, "give the user who runs Rundruf write access");
    let german = app.german(&["status"]).ok().out;
    assert!(
        german
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .contains("Schreibrechte geben"),
        "{german}"
    );
    std::fs::remove_file(app.path().join("zweite")).unwrap();
    eventually("it arrives after all", || {
        app.run(&["channel", "retry", "website"]).ok();
        (app.broadcast("website", number)["counters"]["delivered"] == 2).then_some(())
    });
    whole(&app, &app.path().join("zweite"));
    assert_eq!(serve.stop(), 0);
}
