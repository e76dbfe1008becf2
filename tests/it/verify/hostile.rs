//! Copies that somebody made to deceive whoever verifies them, or to keep the machine busy.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rundruf::formats::manifest::{Entry, MANIFEST, Manifest};
use rundruf::secret::Key;
use rundruf::secret::signing::Signer;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use super::{PAGE, copy_of, found, in_one_line, key, published, stranger};

/// Whoever signs a copy with a key of their own.
fn forger() -> Signer {
    Key::from_bytes([9; 32]).signer()
}

#[test]
fn a_copy_signed_by_a_forger_is_not_taken_for_the_publishers() {
    let app = published("public");
    let (_dir, copy) = copy_of(&app.path().join("public"));
    let (mut list, _) = Manifest::read(&std::fs::read(copy.join(MANIFEST)).unwrap()).unwrap();
    std::fs::write(copy.join(PAGE), "<p>Alles ist gut</p>").unwrap();
    list.files
        .insert(PAGE.to_owned(), Entry::of("<p>Alles ist gut</p>".as_bytes()));
    std::fs::write(copy.join(MANIFEST), list.signed(&forger()).bytes).unwrap();
    let path = copy.to_str().unwrap();
    let (code, answer) = found(&[path]);
    assert_eq!(
        (code, &answer["ok"], &answer["pinned"]),
        (1, &false.into(), &false.into())
    );
    let words = stranger(&[path]);
    let line = in_one_line(&words.out);
    assert!(
        words.code == 1 && line.contains("cannot be told whose") && line.contains("--key"),
        "{words:?}"
    );
    assert!(line.contains(&forger().public().to_string()), "{words:?}");
    // What is wrong with its files is said all the same.
    std::fs::remove_file(copy.join("potsdam/feed.rss")).unwrap();
    let (code, answer) = found(&[path]);
    assert_eq!(
        (code, &answer["missing"]),
        (1, &serde_json::json!(["potsdam/feed.rss"]))
    );
    let (code, answer) = found(&[path, "--key", &key(&app.path().join("public"))]);
    assert_eq!((code, &answer["signature"]), (1, &"other-key".into()));
}

/// A folder with nothing but this list, signed by somebody.
fn listing(files: &[(&str, Entry)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let list = Manifest {
        files: files
            .iter()
            .map(|(path, entry)| ((*path).to_owned(), entry.clone()))
            .collect(),
        ..Manifest::default()
    };
    let to = dir.path().join(MANIFEST);
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::write(to, list.signed(&forger()).bytes).unwrap();
    dir
}

#[test]
fn a_list_of_endless_files_is_none() {
    for bytes in [u64::MAX, 1 << 40] {
        let endless = Entry {
            bytes,
            ..Entry::of(b"")
        };
        let copy = listing(&[("index.html", endless)]);
        std::fs::write(copy.path().join("index.html"), "x").unwrap();
        let (code, answer) = found(&[copy.path().to_str().unwrap()]);
        assert_eq!((code, &answer["signature"]), (1, &"unreadable".into()), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_answer_is_left_after_the_time_given() {
    let copy = listing(&[("a.html", Entry::of(b"a")), ("b.html", Entry::of(b"b"))]);
    let list = std::fs::read(copy.path().join(MANIFEST)).unwrap();
    let server = MockServer::start().await;
    let at_once = |path: &str, content: Vec<u8>| {
        let answer = ResponseTemplate::new(200).set_body_bytes(content);
        Mock::given(matchers::path(format!("/{path}"))).respond_with(answer)
    };
    at_once(MANIFEST, list).mount(&server).await;
    at_once("a.html", b"a".to_vec()).mount(&server).await;
    let never = ResponseTemplate::new(200).set_delay(Duration::from_secs(3_600));
    Mock::given(matchers::path("/b.html"))
        .respond_with(never)
        .mount(&server)
        .await;
    let url = server.uri();
    let answer =
        tokio::task::spawn_blocking(move || (found(&[&url, "--within", "4s"]), stranger(&[&url, "--within", "4s"])));
    let ((code, json), words) = answer.await.unwrap();
    assert_eq!(
        (code, &json["ok"], &json["unseen"]),
        (1, &false.into(), &1.into()),
        "{json}"
    );
    assert!(in_one_line(&words.out).contains("only 1 of 2 files"), "{words:?}");
    let wrong = stranger(&["https://host.example", "--within", "bald"]);
    assert!(wrong.code == 2 && wrong.err.contains("--within"), "{wrong:?}");
}

/// Makes something at this path that is no file.
type Trap = fn(&Path);

fn pipe(at: &Path) {
    assert!(Command::new("mkfifo").arg(at).status().unwrap().success());
}

#[test]
fn links_and_pipes_are_named_and_not_followed() {
    let traps: [(&str, Trap, &str); 3] = [
        (
            "page.html",
            |at| symlink("../outside/page.html", at).unwrap(),
            "page.html",
        ),
        ("page.html", pipe, "page.html"),
        ("deep", |at| symlink("../outside", at).unwrap(), "deep/page.html"),
    ];
    for (at, trap, path) in traps {
        // What it leads to is what the list says: only that it is a link tells.
        let copy = listing(&[(path, Entry::of(b"outside"))]);
        let (copy, outside) = (copy.path().join("copy"), copy.path().join("outside"));
        std::fs::create_dir_all(&outside).unwrap();
        std::fs::write(outside.join("page.html"), "outside").unwrap();
        std::fs::create_dir(&copy).unwrap();
        std::fs::rename(copy.with_file_name(".well-known"), copy.join(".well-known")).unwrap();
        trap(&copy.join(at));
        let (code, answer) = found(&[copy.to_str().unwrap()]);
        assert_eq!((code, &answer["unread"][0]["path"]), (1, &path.into()), "{answer}");
        let words = stranger(&[copy.to_str().unwrap()]);
        assert!(in_one_line(&words.out).contains("it is not followed"), "{words:?}");
    }
    // The list itself.
    let copy = listing(&[]);
    let list = copy.path().join(MANIFEST);
    std::fs::remove_file(&list).unwrap();
    pipe(&list);
    let answer = stranger(&[copy.path().to_str().unwrap()]);
    assert!(
        answer.code == 1 && in_one_line(&answer.err).contains("it is not followed"),
        "{answer:?}"
    );
}

#[test]
fn more_strange_files_than_anybody_could_read_are_not_listed() {
    let copy = listing(&[]);
    let heap = copy.path().join("heap");
    std::fs::create_dir(&heap).unwrap();
    for n in 0..=10_000 {
        std::fs::write(heap.join(n.to_string()), "").unwrap();
    }
    let answer = stranger(&[copy.path().to_str().unwrap()]);
    assert!(
        answer.code == 1 && in_one_line(&answer.out).contains("too many strange files"),
        "{answer:?}"
    );
}
