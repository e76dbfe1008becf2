//! An SMS gateway: no handle, no read-back, receipts.

use super::{PAGE, Play};

#[test]
fn kannel_fails_in_every_way() {
    let Some(play) = Play::begin("sms") else { return };
    let (stage, proxy, app) = (&play.stage, &play.stage.kannel_proxy, &play.stage.app);
    let once = |words: &str| {
        let mut to: Vec<String> = stage.sms_about(words, 2).into_iter().map(|sms| sms.to).collect();
        to.sort();
        assert_eq!(to, ["+491713920001", "+491713920002"], "{words}: {:#?}", stage.sms());
    };
    // Nobody can know: it stands, people are told what to do, and nothing but a person sends it again.
    let stands_as_unknown = |number: u64, words: &str| {
        app.wait_for("sms", number, "unknown", 2);
        let requests = proxy.log_lines().len();
        app.run(&["channel", "retry", "sms"]).ok();
        let broadcast = play.others_deliver(number);
        let text = broadcast["text"].as_str().unwrap();
        let decide = format!("rundruf decide b{}", broadcast["id"]);
        assert!(
            text.contains("2 unknown") && text.contains(words) && text.contains(&decide),
            "{text}"
        );
        let told = app.run(&["explain", &play.open_delivery(&broadcast)]).ok().out;
        let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("Nobody knows") && flat.contains(words), "{told}");
        assert_eq!(proxy.log_lines().len(), requests, "something was sent again");
        format!("b{}", broadcast["id"])
    };

    proxy.stop();
    stage.kannel.stop();
    let number = play.publish("Kannel steht");
    play.others_deliver(number);
    play.says_when(number, "no connection");
    stage.kannel.start_again();
    proxy.start_again();
    play.recovers(number);
    once("Kannel steht");

    proxy.answer(503, &[("Content-Type", "text/html")], PAGE);
    let number = play.publish("Wartung");
    play.others_deliver(number);
    play.says_when(number, "is in trouble (503)");
    proxy.mode("pass");
    play.recovers(number);
    once("Wartung");

    // Hangs before anything reached it: a person decides to send again.
    proxy.mode("hang");
    let number = play.publish("Haengt");
    let id = stands_as_unknown(number, "nothing came within 2s");
    proxy.mode("pass");
    app.run(&["decide", &id, "again", "--yes"]).ok();
    app.wait_for("sms", number, "delivered", 2);
    once("Haengt");

    // Takes it, but the answer is lost: the receipt, late because the centre was away, says that it is there.
    stage.kannel.verb("cut", &[]);
    proxy.mode("lose-answer");
    let number = play.publish("Quittung kommt spaeter");
    stands_as_unknown(number, "no answer");
    proxy.mode("pass");
    stage.kannel.verb("join", &[&stage.kannel.port().to_string()]);
    app.wait_for("sms", number, "delivered", 2);
    once("Quittung kommt spaeter");

    // The same with a centre that stays away: somebody has seen it on a phone.
    stage.kannel.verb("cut", &[]);
    proxy.mode("lose-answer");
    let number = play.publish("Auf dem Telefon gesehen");
    let id = stands_as_unknown(number, "no answer");
    app.run(&["decide", &id, "there"]).ok();
    app.wait_for("sms", number, "delivered", 2);
    proxy.mode("pass");
    stage.kannel.verb("join", &[&stage.kannel.port().to_string()]);
    once("Auf dem Telefon gesehen");

    // A last one comes through, and none of the others came twice.
    let number = play.publish("Nachher");
    stage.all_delivered(number);
    once("Nachher");
    let all = [
        "Vorher",
        "Kannel steht",
        "Wartung",
        "Haengt",
        "Quittung kommt spaeter",
        "Auf dem Telefon gesehen",
    ];
    all.into_iter().for_each(once);
    play.end();
}
