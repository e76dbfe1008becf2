//! Many publishers at one `serve`: the wall in front, each publisher's pages in its own languages, and no link that leads nowhere.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use crate::pages::{in_order, plain};
use crate::support::http::get;
use crate::support::{TestApp, cases};

#[test]
fn the_front_is_the_wall() {
    let publishers = "[publisher.a_stadt]\nname = \"A-Stadt\"\n[publisher.b_stadt]\nname = \"B-Stadt\"\n[publisher.c_stadt]\nname = \"C-Stadt\"\n";
    let app = TestApp::with_publishers(publishers, "");
    for (publisher, state) in [("b_stadt", "emergency"), ("c_stadt", "rolled-back")] {
        let notice = format!(
            "publisher = \"{publisher}\"\nstate = \"{state}\"\nheadline = \"Nur {publisher}\"\nsummary = \"Hier allein.\"\n"
        );
        app.publish(&notice, &[]);
    }
    let serve = app.serve();
    let front = get(app.port, "/").unwrap();
    assert_eq!(front.status, 200);
    let html = front.text();
    in_order(
        &plain(&html),
        &[
            "Lage der Verwaltungen",
            "1 von 3: Wieder abgeschaltet",
            "1 von 3: Notbetrieb",
            "1 von 3: Keine Meldung",
            "C-Stadt",
            "Wieder abgeschaltet",
            "B-Stadt",
            "Notbetrieb",
            "A-Stadt",
            "Keine Meldung",
        ],
    );
    in_order(
        &html,
        &["href=\"./c_stadt/\"", "href=\"./b_stadt/\"", "href=\"./a_stadt/\""],
    );
    for (path, has) in [("/a_stadt/", false), ("/b_stadt/", true), ("/c_stadt/", false)] {
        let reply = get(app.port, path).unwrap();
        assert_eq!(
            (reply.status, reply.text().contains("Nur b_stadt")),
            (200, has),
            "{path}"
        );
    }
    drop(serve);
}

/// Every page that links lead to from the front, with its text; each is there, and each jump finds its place.
fn walked(app: &TestApp) -> BTreeMap<String, String> {
    let base = Url::parse(&format!("{}/", app.url())).unwrap();
    let mut pages = BTreeMap::new();
    let mut jumps = BTreeSet::new();
    let mut open = vec![base.clone()];
    while let Some(url) = open.pop() {
        if pages.contains_key(url.path()) {
            continue;
        }
        let reply = get(app.port, url.path()).unwrap();
        assert_eq!(reply.status, 200, "{url}");
        let is_page = reply.header("content-type").unwrap().starts_with("text/html");
        let text = if is_page { reply.text() } else { String::new() };
        for part in text.split("href=\"").skip(1) {
            let href = part.split('"').next().unwrap().replace("&amp;", "&");
            let mut to = url.join(&href).unwrap_or_else(|e| panic!("{url} links to {href}: {e}"));
            if to.origin() != base.origin() {
                continue;
            }
            if let Some(anchor) = to.fragment() {
                jumps.insert((to.path().to_owned(), anchor.to_owned()));
            }
            to.set_fragment(None);
            open.push(to);
        }
        pages.insert(url.path().to_owned(), text);
    }
    for (path, anchor) in jumps {
        assert!(
            pages[&path].contains(&format!("id=\"{anchor}\"")),
            "a jump to {path}#{anchor}"
        );
    }
    pages.retain(|_, text| !text.is_empty());
    pages
}

#[test]
fn every_link_from_the_wall_on_leads_to_a_page_in_its_language() {
    let app = cases::published();
    let serve = app.serve();
    let pages = walked(&app);
    for (path, text) in &pages {
        let lang = ["en", "de-simple"]
            .into_iter()
            .find(|lang| path.starts_with(&format!("/{lang}/")));
        let html = format!("<html lang=\"{}\">", lang.unwrap_or("de"));
        assert!(text.contains(&html), "{path} is not {html}");
        if !path.trim_matches('/').is_empty() {
            let canonical = format!("rel=\"canonical\" href=\"{}{path}\"", app.url());
            assert!(text.contains(&canonical), "{path} has another address for itself");
        }
    }
    for prefix in ["", "/de-simple", "/en"] {
        for below in [
            "",
            "potsdam/",
            "schwerin/",
            "soest/2023-10-30-it/12/",
            "provider/",
            "gemeinde/imprint/",
            "ruhe/archive/",
            "soest/place/ense/",
        ] {
            assert!(
                pages.contains_key(&format!("{prefix}/{below}")),
                "no link leads to {prefix}/{below}"
            );
        }
    }
    // What links lead to is all there is: no page is an island.
    app.run(&["export", "out"]).ok();
    let exported = crate::contract::tree(&app.path().join("out"));
    let exported: BTreeSet<String> = exported
        .into_iter()
        .filter_map(|(path, _)| Some(format!("/{}", path.strip_suffix("index.html")?)))
        .collect();
    assert_eq!(exported, pages.keys().cloned().collect());
    drop(serve);
}

#[test]
fn each_publisher_has_its_own_languages_and_its_first_stands_without_a_prefix() {
    let publishers = "[publisher.harbour]\nname = \"Harbour\"\nlanguages = [\"en\", \"de\"]\n[publisher.werl]\nname = \"Werl\"\nlanguages = [\"de\"]\n";
    let app = TestApp::with_publishers(publishers, "");
    for publisher in ["harbour", "werl"] {
        let notice = format!(
            "publisher = \"{publisher}\"\nstate = \"reported\"\nas_of = 2023-10-30T08:00:00\nheadline = \"Lage\"\nsummary = \"Stand.\"\n"
        );
        app.publish(&notice, &[]);
    }
    let serve = app.serve();
    let pages = walked(&app);
    let html = |path: &str| {
        pages[path]
            .split_once("<html lang=\"")
            .unwrap()
            .1
            .split('"')
            .next()
            .unwrap()
    };
    for (path, lang) in [
        ("/", "en"),
        ("/de/", "de"),
        ("/harbour/", "en"),
        ("/de/harbour/", "de"),
        ("/werl/", "de"),
    ] {
        assert_eq!(html(path), lang, "{path}");
    }
    for path in ["/en/", "/en/harbour/", "/de/werl/", "/en/werl/", "/de-simple/"] {
        assert_eq!(get(app.port, path).unwrap().status, 404, "{path}");
    }
    let wall = plain(&pages["/"]);
    in_order(
        &wall,
        &[
            "Harbour",
            "Reported",
            "30 October 2023",
            "Werl",
            "Reported",
            "30 October 2023",
        ],
    );
    drop(serve);
}
