//! What the first packets of a bad line carry: the page of case A as `serve` answers it, from the first answer after a notice on.

use std::io::Write;

use crate::support::http::{Reply, get, send};
use crate::support::{TestApp, cases, eventually};

/// Ten packets, what a server sends before it waits for a first word back.
const AT_MOST: usize = 14_000;

/// The first view, by each of its addresses and in each language.
const VIEWS: [&str; 9] = [
    "/",
    "/de-simple/",
    "/en/",
    "/potsdam/",
    "/de-simple/potsdam/",
    "/en/potsdam/",
    "/potsdam/2023-01-it/",
    "/de-simple/potsdam/2023-01-it/",
    "/en/potsdam/2023-01-it/",
];

/// Asked as a browser asks; whatever comes, its head and body fit.
fn view(app: &TestApp, path: &str) -> Reply {
    let reply = send(app.port, "GET", path, &[("Accept-Encoding", "gzip, deflate, br")], b"").unwrap();
    assert!(reply.size <= AT_MOST, "{path}: {} bytes", reply.size);
    assert!(
        reply.status != 200 || reply.header("content-encoding") == Some("br"),
        "{path}"
    );
    reply
}

/// Bytes of the best compression there is.
fn best(bytes: &[u8]) -> usize {
    let mut packed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut packed, 4096, 11, 22);
    writer.write_all(bytes).unwrap();
    drop(writer);
    packed.len()
}

/// Asks until the new page is there, and on until it is compressed as well as can be: a first answer may be compressed in haste.
/// The largest answer seen.
fn until_settled(app: &TestApp, before: &[Option<String>]) -> usize {
    let mut largest = 0;
    for (path, before) in VIEWS.iter().zip(before) {
        let first = eventually(&format!("{path} shows the news"), || {
            let reply = view(app, path);
            let tag = reply.header("etag").map(str::to_owned);
            (reply.status == 200 && tag != *before).then_some(reply)
        });
        largest = largest.max(first.size);
    }
    for path in VIEWS {
        let packed = best(&get(app.port, path).unwrap().body);
        eventually(&format!("{path} is small"), || {
            let reply = view(app, path);
            largest = largest.max(reply.size);
            (reply.body.len() <= packed).then_some(())
        });
    }
    largest
}

#[test]
fn case_a_fits_the_first_packets_at_every_moment() {
    let app = TestApp::with_publishers(&cases::publisher("potsdam", "Landeshauptstadt Potsdam"), "");
    let serve = app.serve();
    let mut largest = 0;
    for file in cases::files("a-potsdam") {
        let before = VIEWS.map(|path| view(&app, path).header("etag").map(str::to_owned));
        app.run(&["publish", &file, "--yes"]).ok();
        largest = largest.max(until_settled(&app, &before));
    }
    assert_eq!(serve.stop(), 0);
    // After a start, too, the first answers are compressed in haste.
    let serve = app.serve();
    largest = largest.max(until_settled(&app, &VIEWS.map(|_| None)));
    assert!(largest > 4_000, "{largest} bytes are not the page of case A");
    drop(serve);
}
