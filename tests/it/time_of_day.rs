//! The pages are a function of store and moment: the hour alone changes no byte, so that readers and proxies fetch nothing twice.

use rundruf::clock::{Clock, SystemClock};

use crate::contract::tree;
use crate::http::{PATHS, potsdam};
use crate::support::http::{get, send};
use crate::support::{TestApp, clock, eventually};

#[test]
fn the_site_is_the_same_bytes_at_another_time_of_day() {
    let app = potsdam();
    let at = |folder: &str, now: &str| {
        app.run(&["export", folder, "--now", now]).ok();
        tree(&app.path().join(folder))
    };
    let morning = at("morning", "2030-05-01T05:00:00Z");
    assert!(
        morning == at("night", "2030-05-02T22:30:00Z"),
        "something on the pages follows the clock"
    );
    assert!(morning.len() > 30);
}

/// The tag of every path, and the hour at which the server says it is.
fn asked(app: &TestApp) -> (Vec<String>, jiff::Timestamp) {
    let mut date = None;
    let tags = PATHS.iter().map(|(path, _)| {
        let reply = get(app.port, path).unwrap();
        assert_eq!(reply.status, 200, "{path}");
        date = reply.header("date").map(str::to_owned);
        reply.header("etag").unwrap().to_owned()
    });
    let tags = tags.collect();
    let date = jiff::fmt::rfc2822::parse(&date.unwrap()).unwrap();
    (tags, date.timestamp())
}

#[test]
fn serve_gives_the_same_tags_nine_and_a_half_hours_later() {
    const AHEAD: i64 = 34_200;
    let app = potsdam();
    let Some(library) = clock::library(&app) else { return };
    let serve = app.serve();
    let (tags, now) = asked(&app);
    assert_eq!(serve.stop(), 0);

    let (library, ahead) = (library.to_str().unwrap(), AHEAD.to_string());
    let serve = app.serve_with(&[("LD_PRELOAD", library), ("CLOCK_AHEAD", &ahead)]);
    let (later_tags, later) = asked(&app);
    let moved = later.as_second() - now.as_second();
    assert!((AHEAD..AHEAD + 3_600).contains(&moved), "the clock moved by {moved} s");
    assert_eq!(later_tags, tags);
    for ((path, _), tag) in PATHS.iter().zip(&tags) {
        let reply = send(app.port, "GET", path, &[("If-None-Match", tag)], b"").unwrap();
        assert_eq!((reply.status, reply.body.len()), (304, 0), "{path}");
    }
    drop(serve);
}

#[test]
fn a_promise_is_late_at_its_time_also_when_the_clock_jumped_there() {
    let app = TestApp::new("[channel.website]\nkind = \"website\"\ntargets = [\"file:public\"]\n");
    let Some(library) = clock::library(&app) else { return };
    let ahead = app.write("ahead", "0");
    let moved = [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("CLOCK_AHEAD_IN", ahead.to_str().unwrap()),
    ];
    let serve = app.serve_with(&moved);
    let promised = SystemClock.now() + jiff::SignedDuration::from_hours(8);
    let notice = format!(
        "headline = \"Störung\"\nsummary = \"Bitte rufen Sie an.\"\nnext = {{ at = {} }}\n",
        promised.strftime("%Y-%m-%dT%H:%M:00Z"),
    );
    let number = app.publish(&notice, &[])["number"].as_u64().unwrap();
    app.wait_for("website", number, "delivered", 1);
    let late = || {
        let page = std::fs::read_to_string(app.path().join("public/potsdam/index.html")).unwrap();
        page.contains("verspätet")
    };
    assert!(!late());
    std::fs::write(&ahead, "32400").unwrap();
    eventually("the page says that the promise is late", || late().then_some(()));
    assert_eq!(serve.stop(), 0);
}
