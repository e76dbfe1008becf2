//! The contract over HTTP (DESIGN 7) through `serve`: paths, headers, codings, what is not there.

use std::io::Read;

use crate::support::http::{Reply, get, send};
use crate::support::{TestApp, eventually, root};

const PUBLISHER: &str = "[publisher.potsdam]
name = \"Landeshauptstadt Potsdam\"
languages = [\"de\", \"de-simple\", \"en\"]
phone = \"115\"
[publisher.potsdam.imprint]
name = \"Landeshauptstadt Potsdam\"
address = \"Beispielweg 1, 14469 Potsdam\"
represented_by = \"Der Oberbürgermeister\"
phone = \"115\"
email = \"presse@stadt.example\"
responsible = \"Pressestelle\"
";

/// Case A and one place, served.
pub(super) fn potsdam() -> TestApp {
    let app = TestApp::with_publishers(
        PUBLISHER,
        "[channel.website]\nkind = \"website\"\ntargets = [\"file:public\"]\n[channel.sms]\nkind = \"kannel\"\nurl = \"http://127.0.0.1:1\"\nusername = \"u\"\npassword = \"p\"\ngate = \"held\"\naudience = { file = \"presse.csv\" }\n",
    );
    app.write("presse.csv", "address\n+491713920001\n");
    for file in ["1-2023-01-16.toml", "2-2023-01-24.toml", "3-2023-01-31.toml"] {
        let path = root().join("examples/a-potsdam").join(file);
        app.run(&["publish", path.to_str().unwrap(), "--yes"]).ok();
    }
    app
}

/// Every path that issue 2 covers, with its media type.
pub(super) const PATHS: &[(&str, &str)] = &[
    ("/", "text/html"),
    ("/potsdam/", "text/html"),
    ("/potsdam/2023-01-it/", "text/html"),
    ("/potsdam/2023-01-it/1/", "text/html"),
    ("/potsdam/2023-01-it/3/", "text/html"),
    ("/potsdam/place/buergerservice/", "text/html"),
    ("/potsdam/archive/", "text/html"),
    ("/potsdam/imprint/", "text/html"),
    ("/potsdam/privacy/", "text/html"),
    ("/potsdam/accessibility/", "text/html"),
    ("/en/potsdam/", "text/html"),
    ("/en/potsdam/2023-01-it/2/", "text/html"),
    ("/de-simple/potsdam/", "text/html"),
    ("/en/potsdam/place/buergerservice/", "text/html"),
    ("/potsdam/feed.rss", "application/rss+xml"),
    ("/potsdam/feed.atom", "application/atom+xml"),
    ("/potsdam/feed.json", "application/feed+json"),
    ("/potsdam/2023-01-it/feed.rss", "application/rss+xml"),
    ("/potsdam/2023-01-it/feed.atom", "application/atom+xml"),
    ("/potsdam/2023-01-it/feed.json", "application/feed+json"),
    ("/potsdam/place/buergerservice/feed.rss", "application/rss+xml"),
    ("/potsdam/place/buergerservice/feed.atom", "application/atom+xml"),
    ("/potsdam/place/buergerservice/feed.json", "application/feed+json"),
    ("/potsdam/state.json", "application/json"),
];

fn is_page(path: &str) -> bool {
    path.ends_with('/')
}

#[test]
fn every_path_answers_with_its_type_and_its_headers() {
    let app = potsdam();
    let serve = app.serve();
    for (path, media_type) in PATHS {
        let reply = get(app.port, path).unwrap();
        assert_eq!(reply.status, 200, "{path}");
        let header = |name: &str| reply.header(name).unwrap_or_default();
        assert!(
            header("content-type").starts_with(media_type),
            "{path}: {}",
            header("content-type")
        );
        assert!(
            header("content-type").contains("charset=utf-8") || header("content-type").contains("json"),
            "{path}"
        );
        let csp = header("content-security-policy");
        assert!(
            csp.starts_with("default-src 'none'") && !csp.contains("unsafe") && !csp.contains("script-src"),
            "{path}: {csp}"
        );
        assert_eq!(
            (header("x-content-type-options"), header("referrer-policy")),
            ("nosniff", "no-referrer"),
            "{path}"
        );
        assert!(reply.header("set-cookie").is_none(), "{path}");
        assert_eq!(
            reply.header("access-control-allow-origin"),
            (!is_page(path)).then_some("*"),
            "{path}"
        );
        assert!(
            header("etag").starts_with('"') && header("vary").contains("accept-encoding"),
            "{path}"
        );
        if is_page(path) {
            let text = reply.text();
            assert!(!text.contains("<script") && text.contains("<html lang="), "{path}");
        }
    }
    assert!(get(app.port, "/potsdam/state.json").unwrap().body.len() <= 2_000);
    let front = get(app.port, "/").unwrap().text();
    let canonical = format!("rel=\"canonical\" href=\"{}/potsdam/\"", app.url());
    assert!(front.contains(&canonical), "{front}");
    drop(serve);
}

#[test]
fn head_answers_like_get_without_a_body_and_other_methods_are_405() {
    let app = potsdam();
    let serve = app.serve();
    for (path, _) in PATHS {
        let (whole, head) = (
            get(app.port, path).unwrap(),
            send(app.port, "HEAD", path, &[], b"").unwrap(),
        );
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        for name in ["content-type", "content-length", "etag", "content-security-policy"] {
            assert_eq!(head.header(name), whole.header(name), "{path} {name}");
        }
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let reply = send(app.port, method, path, &[], b"x=1").unwrap();
            assert_eq!(
                (reply.status, reply.header("allow")),
                (405, Some("GET, HEAD")),
                "{method} {path}"
            );
        }
    }
    drop(serve);
}

fn coded(app: &TestApp, path: &str, accept: &str) -> Reply {
    send(app.port, "GET", path, &[("Accept-Encoding", accept)], b"").unwrap()
}

#[test]
fn brotli_gzip_and_plain_are_the_same_page() {
    let app = potsdam();
    let serve = app.serve();
    for path in ["/potsdam/", "/potsdam/feed.atom"] {
        let plain = get(app.port, path).unwrap();
        assert_eq!(plain.header("content-encoding"), None);
        let (br, gz) = (coded(&app, path, "gzip, br"), coded(&app, path, "gzip"));
        assert_eq!(
            (br.header("content-encoding"), gz.header("content-encoding")),
            (Some("br"), Some("gzip")),
            "{path}"
        );
        let mut text = Vec::new();
        brotli::Decompressor::new(&br.body[..], 4096)
            .read_to_end(&mut text)
            .unwrap();
        assert!(text == plain.body, "{path}: brotli");
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&gz.body[..])
            .read_to_end(&mut text)
            .unwrap();
        assert!(text == plain.body, "{path}: gzip");
        assert_eq!(
            coded(&app, path, "br;q=0, gzip;q=0.5").header("content-encoding"),
            Some("gzip")
        );
        assert_eq!(coded(&app, path, "identity").header("content-encoding"), None);
        let tags: std::collections::BTreeSet<_> = [&plain, &br, &gz]
            .iter()
            .map(|r| r.header("etag").unwrap().to_owned())
            .collect();
        assert_eq!(tags.len(), 3, "{path}: one tag for two codings");
    }
    drop(serve);
}

#[test]
fn what_the_reader_has_already_is_304() {
    let app = potsdam();
    let serve = app.serve();
    for (path, _) in PATHS {
        let tag = get(app.port, path).unwrap().header("etag").unwrap().to_owned();
        for value in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
            let reply = send(app.port, "GET", path, &[("If-None-Match", &value)], b"").unwrap();
            assert_eq!((reply.status, reply.body.len()), (304, 0), "{path} {value}");
            assert_eq!(reply.header("etag"), Some(tag.as_str()), "{path}");
        }
        let other = send(app.port, "GET", path, &[("If-None-Match", "\"other\"")], b"").unwrap();
        assert_eq!(other.status, 200, "{path}");
    }
    // A notice changes the page, and so its tag.
    let tag = get(app.port, "/potsdam/").unwrap().header("etag").unwrap().to_owned();
    app.publish(
        "incident = \"2023-01-it\"\nheadline = \"Neu\"\nsummary = \"Neues.\"\n",
        &["--channel", "website"],
    );
    eventually("the new page is there", || {
        let reply = send(app.port, "GET", "/potsdam/", &[("If-None-Match", &tag)], b"").unwrap();
        (reply.status == 200 && reply.text().contains("Neues.")).then_some(())
    });
    drop(serve);
}

#[test]
fn what_is_not_there_is_404_without_a_trace() {
    let app = potsdam();
    let serve = app.serve();
    for path in [
        "/nowhere/",
        "/potsdam/2023-02-it/",
        "/potsdam/2023-01-it/9/",
        "/potsdam/place/nowhere/",
        "/potsdam/../potsdam/../../etc/passwd",
        "/potsdam/%2e%2e/channels.toml",
        // Later issues.
        "/potsdam/poster",
        "/potsdam/phone-sheet",
        "/potsdam/press",
        "/potsdam/subscribe",
        "/potsdam/confirm/x",
        "/potsdam/unsubscribe/x",
        "/potsdam/cap.atom",
        "/potsdam/cap/1.xml",
        "/potsdam/2023-01-it/1/card.jpg",
        "/.well-known/security.txt",
        "/api/v1/openapi.json",
        "/console/",
        "/metrics",
        "/receipts/website",
        "/receipts/nowhere",
    ] {
        let reply = get(app.port, path).unwrap();
        assert_eq!(reply.status, 404, "{path}");
        assert!(
            reply.header("content-security-policy").is_some() && reply.header("set-cookie").is_none(),
            "{path}"
        );
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
    }
    drop(serve);
}

#[test]
fn a_folder_is_found_without_its_slash_too() {
    let app = potsdam();
    let serve = app.serve();
    for (path, to) in [
        ("/potsdam", "potsdam/"),
        ("/potsdam/2023-01-it", "2023-01-it/"),
        ("/potsdam/imprint", "imprint/"),
        ("/en/potsdam", "potsdam/"),
    ] {
        let reply = get(app.port, path).unwrap();
        assert_eq!((reply.status, reply.header("location")), (308, Some(to)), "{path}");
    }
    drop(serve);
}

#[test]
fn health_receipts_and_metrics() {
    let app = potsdam();
    let serve = app.serve();
    assert_eq!(get(app.port, "/healthz").unwrap().status, 200);
    let ready = get(app.port, "/readyz").unwrap();
    assert_eq!((ready.status, ready.text().contains("store ok")), (200, true));
    for query in ["", "?d=1&a=1&t=wrong", "?%ff=%ff"] {
        let reply = get(app.port, &format!("/receipts/sms{query}")).unwrap();
        assert!([400, 403].contains(&reply.status), "{query}: {}", reply.status);
    }
    assert_eq!(get(app.port, "/receipts/sms").unwrap().status, 403);
    // A gateway that signs wrongly would go unnoticed: each refusal counts, and the log says so, once a minute.
    let warnings = app.log().matches("delivery reports refused").count();
    assert_eq!(warnings, 1, "{}", app.log());
    assert_eq!(send(app.port, "DELETE", "/receipts/sms", &[], b"").unwrap().status, 405);
    let metrics = get(app.admin_port, "/metrics").unwrap();
    assert_eq!(metrics.status, 200);
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain"));
    assert!(
        metrics.text().contains("rundruf_") && metrics.text().contains("sms"),
        "{}",
        metrics.text()
    );
    assert_eq!(get(app.port, "/receipts/sms_old").unwrap().status, 404);
    let log = app.log();
    assert!(log.contains("channel=\"-\""), "{log}");
    let refused = "rundruf_receipts_refused_total{lane=\"sms\",status=\"403\"} 4";
    assert!(metrics.text().contains(refused), "{}", metrics.text());
    assert_eq!(get(app.admin_port, "/potsdam/").unwrap().status, 404);
    assert_eq!(get(app.admin_port, "/api/v1/openapi.json").unwrap().status, 404);
    drop(serve);
}
