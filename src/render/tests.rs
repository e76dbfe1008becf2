//! The engine: what is delivered compiles, what a folder overrides, and how faults name their place.

use super::*;
use serde_json::json;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

#[test]
fn the_delivered_templates_compile() {
    Engine::load(None).unwrap().check().unwrap();
}

#[test]
fn a_folder_overrides_file_by_file_and_word_by_word() {
    let dir = folder(&[
        ("de/post.hbs", "eigenes {{lead}}{{t \"state.restored\"}}"),
        ("de/words.toml", "[state]\nrestored = \"Geht wieder\""),
    ]);
    let engine = Engine::load(Some(dir.path())).unwrap();
    let data = json!({"lead": "<a>"});
    let plain = engine.render(Lang::De, "post", &data, Escape::Plain).unwrap();
    assert_eq!(plain, "eigenes <a>Geht wieder");
    let html = engine.render(Lang::De, "post", &data, Escape::Html).unwrap();
    assert_eq!(html, "eigenes &lt;a&gt;Geht wieder");
    let simple = engine.render(Lang::DeSimple, "post", &data, Escape::Plain).unwrap();
    assert_eq!(simple, "eigenes <a>Störung beendet", "plain German keeps its own words");
    assert!(
        engine.render(Lang::En, "post", &data, Escape::Plain).is_err(),
        "English is not touched"
    );
}

#[test]
fn faults_name_file_and_line() {
    let broken = folder(&[("en/post.hbs", "one\n{{#if lead}}\n")]);
    let fault = Engine::load(Some(broken.path())).unwrap_err().to_string();
    assert!(fault.contains("en/post.hbs") && fault.contains("line"), "{fault}");

    let unknown_word = folder(&[("shared/post.hbs", "one\n{{t \"state.restord\"}}")]);
    let fault = Engine::load(Some(unknown_word.path())).unwrap_err().to_string();
    assert!(fault.contains("line 2") && fault.contains("state.restord"), "{fault}");

    let unknown_value = folder(&[("de/post.hbs", "one\ntwo {{haedline}}")]);
    let engine = Engine::load(Some(unknown_value.path())).unwrap();
    let fault = engine
        .render(Lang::De, "post", &json!({}), Escape::Plain)
        .unwrap_err()
        .to_string();
    assert!(
        fault.contains("de/post.hbs") && fault.contains("line 2") && fault.contains("haedline"),
        "{fault}"
    );

    let missing = tempfile::tempdir().unwrap().path().join("nowhere");
    assert!(
        Engine::load(Some(&missing))
            .unwrap_err()
            .to_string()
            .contains("nowhere")
    );
}
