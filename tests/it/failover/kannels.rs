//! The same against two gateways that are real: each a Kannel with an SMS centre of its own, behind a proxy that fails on demand. What a phone may
//! have got stands in the centres' books, which are neither ours nor Kannel's.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::support::wait::patiently;
use crate::support::{FaultProxy, Peer, TestApp};

const PHONES: [&str; 3] = ["491713920001", "491713920002", "491713920003"];

struct Gateway {
    centre: Peer,
    /// Ends with the test.
    _kannel: Peer,
    proxy: FaultProxy,
}

impl Gateway {
    fn start(env: &[(&str, &str)]) -> Option<Self> {
        let centre = Peer::start("smpp", 1)?;
        let port = centre.port().to_string();
        let env: Vec<_> = env.iter().copied().chain([("SMPP_PORT", port.as_str())]).collect();
        let kannel = Peer::start_with("kannel", 4, &[], &env)?;
        let proxy = FaultProxy::start(kannel.port())?;
        Some(Self {
            centre,
            _kannel: kannel,
            proxy,
        })
    }

    /// What its centre does from now on; the head of `smpp_peer.js` has the words.
    fn rules(&self, rules: &str) {
        std::fs::write(self.centre.dir().join("rules.json"), rules).unwrap();
    }

    /// How often its centre has taken a text for each phone.
    fn took(&self) -> BTreeMap<String, usize> {
        let mut took = BTreeMap::new();
        for line in self.centre.read("sms.jsonl").lines() {
            let sms: Value = serde_json::from_str(line).unwrap();
            let to = sms["to"].as_str().unwrap().trim_start_matches('+').to_owned();
            *took.entry(to).or_default() += 1;
        }
        took
    }

    fn channel(&self, name: &str, more: &str) -> String {
        let url = self.proxy.url();
        format!(
            "[channel.{name}]\nkind = \"kannel\"\nurl = \"{url}\"\nusername = \"u\"\npassword = \"p\"\nfrom = \"Potsdam\"\ntimeout = \"5s\"\n{more}\n"
        )
    }
}

struct Pair {
    first: Gateway,
    reserve: Gateway,
    app: TestApp,
}

impl Pair {
    /// `None`, said aloud, where a counterpart is not installed. `env`: of the first Kannel.
    fn start(env: &[(&str, &str)]) -> Option<Self> {
        let (first, reserve) = (Gateway::start(env)?, Gateway::start(&[])?);
        // What was refused for good holds up the next notice of its incident for a second only.
        let own = "audience = { file = \"presse.csv\" }\nfailover = \"sms_reserve\"\norder_wait = \"1s\"";
        let channels = first.channel("sms", own) + &reserve.channel("sms_reserve", "");
        let app = TestApp::new(&channels);
        let mut list = "address\n".to_owned();
        for phone in PHONES {
            writeln!(list, "+{phone}").unwrap();
        }
        app.write("presse.csv", &list);
        Some(Self { first, reserve, app })
    }

    fn publish(&self, headline: &str) -> u64 {
        let notice = format!("incident = \"ausfall\"\nheadline = \"{headline}\"\nsummary = \"Bitte rufen Sie an.\"\n");
        self.app.publish(&notice, &[])["number"].as_u64().unwrap()
    }

    fn moved(&self, number: u64) -> u64 {
        self.app.broadcast("sms", number)["moved"].as_u64().unwrap_or(0)
    }
}

/// Each phone so often.
fn each(times: usize) -> BTreeMap<String, usize> {
    let all = PHONES.into_iter().map(|phone| (phone.to_owned(), times));
    all.filter(|_| times > 0).collect()
}

#[test]
fn what_a_centre_rejects_after_a_202_goes_by_the_other_gateway_once() {
    let Some(pair) = Pair::start(&[]) else { return };
    let _serve = pair.app.serve();
    // Taken, and then not brought to the phone; never taken by the centre, which Kannel says after its 202 too.
    for (n, rules) in ["{\"receipt\": \"UNDELIV\"}", "{\"submit\": 11}"]
        .into_iter()
        .enumerate()
    {
        pair.first.rules(rules);
        let number = pair.publish(&format!("Stufe {n}"));
        pair.app.wait_for("sms", number, "delivered", 3);
        assert_eq!(pair.moved(number), 3, "{rules}");
        assert_eq!(pair.first.took(), each(1), "{rules}");
        assert_eq!(
            pair.reserve.took(),
            each(n + 1),
            "{rules}: once each, by the one that brings it"
        );
    }
    // Where both reject, it has ended: nothing goes a third way, or back.
    pair.first.rules("{\"receipt\": \"UNDELIV\"}");
    pair.reserve.rules("{\"receipt\": \"UNDELIV\"}");
    let number = pair.publish("Beide");
    pair.app.wait_for("sms", number, "permanent", 3);
    pair.app.run(&["channel", "retry", "sms"]).ok();
    pair.app.run(&["channel", "retry", "sms_reserve"]).ok();
    pair.first.rules("{}");
    pair.reserve.rules("{}");
    let number = pair.publish("Danach");
    pair.app.wait_for("sms", number, "delivered", 3);
    assert_eq!((pair.first.took(), pair.reserve.took()), (each(3), each(3)));
    assert_eq!(pair.moved(number), 0, "a gateway that works again is used");
}

#[test]
fn what_kannel_refuses_at_the_door_goes_by_the_other_gateway_at_once() {
    let Some(pair) = Pair::start(&[("DENIED", "+49")]) else {
        return;
    };
    let _serve = pair.app.serve();
    let number = pair.publish("Kein Weg");
    pair.app.wait_for("sms", number, "delivered", 3);
    assert_eq!((pair.first.took(), pair.reserve.took()), (each(0), each(1)));
    assert_eq!(pair.moved(number), 3);
    let of = format!("b{}", pair.app.broadcast("sms", number)["id"]);
    let id = pair.app.json(&["explain", &of])["deliveries"][0]["id"].to_string();
    let told = pair.app.run(&["explain", &id]).ok().out;
    let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
    // Its report comes before or after its answer; both say the same, and the row moves by whichever is first.
    assert!(
        flat.contains("no route to this number") && flat.contains("moved to the reserve channel"),
        "{told}"
    );
}

#[test]
fn a_gateway_that_cannot_be_reached_for_a_minute_is_stood_in_for() {
    let Some(pair) = Pair::start(&[]) else { return };
    pair.first.proxy.stop();
    let _serve = pair.app.serve();
    let number = pair.publish("Nicht erreichbar");
    patiently("the reserve brings it after a minute", || {
        (pair.app.broadcast("sms", number)["counters"]["delivered"] == 3).then_some(())
    });
    assert_eq!((pair.first.took(), pair.reserve.took()), (each(0), each(1)));
    // The first one is back, and does not send it again.
    pair.first.proxy.start_again();
    pair.app.run(&["channel", "retry", "sms"]).ok();
    let number = pair.publish("Wieder da");
    pair.app.wait_for("sms", number, "delivered", 3);
    assert_eq!((pair.first.took(), pair.reserve.took()), (each(1), each(1)));
}

#[test]
fn where_the_answer_was_lost_its_reports_say_what_became_of_it_and_the_other_gateway_never_has_it_twice() {
    let Some(pair) = Pair::start(&[]) else { return };
    let _serve = pair.app.serve();
    // The receipt says that it is there.
    pair.first.proxy.mode("lose-answer");
    let number = pair.publish("Quittung");
    pair.app.wait_for("sms", number, "delivered", 3);
    assert_eq!((pair.first.took(), pair.reserve.took()), (each(1), each(0)));
    // The centre reports that it has it, and then no more: handed over, whatever became of the answer, and nobody is asked.
    pair.first.rules("{\"receipt_ms\": 86400000}");
    pair.first.proxy.cut();
    let number = pair.publish("Ohne Quittung");
    pair.app.wait_for("sms", number, "accepted", 3);
    pair.app.run(&["channel", "retry", "sms"]).ok();
    pair.first.proxy.mode("pass");
    assert!(!pair.app.run(&["status"]).ok().out.contains("rundruf decide"));
    // And what it says of the rejection of a text whose answer was lost: certainly not there, so the other one brings it, once.
    pair.first.rules("{\"receipt\": \"UNDELIV\", \"receipt_ms\": 2000}");
    pair.first.proxy.mode("lose-answer");
    let number = pair.publish("Verloren und abgewiesen");
    pair.app.wait_for("sms", number, "delivered", 3);
    assert_eq!(pair.moved(number), 3);
    assert_eq!((pair.first.took(), pair.reserve.took()), (each(3), each(1)));
}
