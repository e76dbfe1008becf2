//! The notice file's two examples and every case publish as they stand; what the pages say is looked at as readers get it.

use rundruf::formats::manifest::MANIFEST;

use super::{WEBSITE, publish_file, tree};
use crate::support::{TestApp, cases, http};

#[test]
fn the_five_lines_publish_on_an_empty_store() {
    let app = TestApp::new(WEBSITE);
    let answer = publish_file(&app, "tests/fixtures/notices/five-lines.toml", &["--wait", "--json"])
        .ok()
        .json();
    assert_eq!((&answer["number"], &answer["created"]), (&1.into(), &true.into()));
    let incident = answer["incident"].as_str().unwrap();
    assert!(incident.len() == 13 && incident.ends_with("-it"), "{incident}");
    let page = std::fs::read_to_string(app.path().join("public/potsdam/index.html")).unwrap();
    for text in [
        "Die IT der Stadtverwaltung ist abgeschaltet",
        "kann aber nur beraten",
        "tel:115",
        "10:00",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
}

#[test]
fn the_full_example_is_notice_2_of_its_incident() {
    let app = TestApp::new(WEBSITE);
    publish_file(&app, "examples/a-potsdam/1-2023-01-16.toml", &[]).ok();
    // Before that there is nothing it could take back.
    let answer = publish_file(&app, "tests/fixtures/notices/full.toml", &["--wait", "--json"])
        .ok()
        .json();
    assert_eq!(
        (&answer["incident"], &answer["number"]),
        (&"2023-01-it".into(), &2.into())
    );
    let page = |path: &str| std::fs::read_to_string(app.path().join("public").join(path).join("index.html")).unwrap();
    for (path, texts) in [
        (
            "potsdam",
            &[
                "Wieder abgeschaltet",
                "E-Mail und Online-Dienste der Stadt",
                "+49 30 23125100",
                "Bundesdruckerei",
            ][..],
        ),
        (
            "en/potsdam",
            &["City e-mail and online services are switched off again"],
        ),
        (
            "de-simple/potsdam",
            &[
                "E-Mail und Internet-Dienste gehen wieder nicht",
                "Sie können uns anrufen",
            ],
        ),
        ("potsdam/2023-01-it/2", &["Landeskriminalamt", "Sicherheitsbehörden"]),
    ] {
        let page = page(path);
        for text in texts {
            assert!(page.contains(text), "{path}: {text}");
        }
    }
    // The first notice says that it is not the last word.
    assert!(page("potsdam/2023-01-it/1").contains("href=\"../../../potsdam/2023-01-it/2/\""));
}

#[test]
fn every_case_publishes_in_order_and_its_pages_are_the_same_everywhere() {
    let app = cases::published();
    let serve = app.serve();
    app.run(&["export", "out"]).ok();
    // The list of the files also says for which upload it was written.
    let files = |folder: &str| -> Vec<(String, Vec<u8>)> {
        let all = tree(&app.path().join(folder));
        all.into_iter().filter(|(path, _)| path != MANIFEST).collect()
    };
    let exported = files("out");
    assert!(exported.len() > 100, "{}", exported.len());
    assert!(files("public") == exported, "the target differs from the export");
    for (path, bytes) in exported
        .iter()
        .filter(|(path, _)| path.ends_with("index.html") || path.ends_with("state.json"))
    {
        let address = format!("/{}", path.strip_suffix("index.html").unwrap_or(path));
        let reply = http::get(app.port, &address).unwrap();
        assert_eq!(reply.status, 200, "{address}");
        assert!(reply.body == *bytes, "{address} is served otherwise than exported");
    }
    let page = |path: &str| http::get(app.port, path).unwrap().text();
    assert!(page("/potsdam/").contains("Wieder abgeschaltet"));
    assert!(page("/schwerin/").contains("Stadthaus"));
    assert!(page("/provider/").contains("Rund 70 Kommunen") && page("/gemeinde/").contains("Gemeinde Beispiel"));
    drop(serve);
}

#[test]
fn case_c_reads_newest_first_and_the_first_report_as_superseded() {
    let app = cases::published();
    let serve = app.serve();
    let page = http::get(app.port, "/soest/2023-10-30-it/").unwrap().text();
    let at = |text: &str| page.rfind(text).unwrap_or_else(|| panic!("{text} is missing: {page}"));
    let ticker: Vec<usize> = [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]
        .iter()
        .map(|n| at(&format!("/soest/2023-10-30-it/{n}/")))
        .collect();
    assert!(ticker.is_sorted(), "{ticker:?}");
    assert!(page.contains("10:16"), "{page}");
    let lippetal = http::get(app.port, "/soest/place/lippetal/").unwrap().text();
    assert!(lippetal.contains("Lippetal"));
    drop(serve);
}
