//! Copies that somebody made to deceive whoever verifies them, or to keep the machine busy.

use rundruf::formats::manifest::{Entry, MANIFEST, Manifest};
use rundruf::secret::Key;
use rundruf::secret::signing::Signer;

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
