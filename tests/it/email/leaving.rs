//! Who has had enough: one click, without cookies; looking changes nothing; nobody leaves for somebody else.

use super::Office;
use crate::support::http::{self, Reply};
use crate::support::mail::Mail;

/// What large mail providers send (RFC 8058).
fn one_click(office: &Office, path: &str) -> Reply {
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    http::post(office.app.port, path, &form, b"List-Unsubscribe=One-Click").unwrap()
}

fn mails_of(office: &Office, headline: &str, count: u64) -> Vec<Mail> {
    let number = office.publish(headline);
    office.delivered(number, count);
    let mut mails = office.server.about(headline, usize::try_from(count).unwrap());
    mails.sort_by(|a, b| a.to.cmp(&b.to));
    mails
}

fn to(mails: &[Mail]) -> Vec<&str> {
    mails.iter().map(|m| m.to.as_str()).collect()
}

#[test]
fn one_click_is_enough_and_a_look_is_none() {
    let Some(office) = Office::open("") else { return };
    let serve = office.serve();
    let mails = mails_of(&office, "Eins", 3);
    let [anna, bert, _] = &mails[..] else {
        panic!("{mails:?}")
    };
    let path = anna.unsubscribe_path();
    assert!(path.starts_with("/potsdam/unsubscribe/"), "{path}");
    assert!(bert.unsubscribe_path().starts_with("/en/potsdam/unsubscribe/"));

    for method in ["GET", "HEAD"] {
        let look = http::send(office.app.port, method, &path, &[], b"").unwrap();
        assert_eq!(look.status, 200, "{method}");
        assert_eq!(look.body.is_empty(), method == "HEAD");
        assert!(look.header("set-cookie").is_none() && look.header("cache-control") == Some("no-store"));
        assert!(
            look.header("content-security-policy")
                .unwrap()
                .contains("form-action 'self'")
        );
    }
    let page = http::get(office.app.port, &path).unwrap().text();
    assert!(
        page.contains("<form method=\"post\">") && page.contains("Ja, abmelden"),
        "{page}"
    );
    assert!(page.contains("Landeshauptstadt Potsdam") && page.contains("lang=\"de\""));
    assert_eq!(http::send(office.app.port, "PUT", &path, &[], b"").unwrap().status, 405);
    assert_eq!(mails_of(&office, "Zwei", 3).len(), 3, "looking changed something");

    let done = one_click(&office, &path);
    assert_eq!(done.status, 200);
    assert!(done.header("location").is_none() && done.text().contains("Sie sind abgemeldet"));
    assert_eq!(to(&mails_of(&office, "Drei", 2)), ["bert@ex.example", "cem@ex.example"]);
    // A second click, and a look afterwards, say the same.
    assert_eq!(one_click(&office, &path).status, 200);
    assert!(
        http::get(office.app.port, &path)
            .unwrap()
            .text()
            .contains("Sie sind abgemeldet")
    );

    // By the page's button, in English.
    let page = http::get(office.app.port, &bert.unsubscribe_path()).unwrap().text();
    assert!(
        page.contains("Yes, unsubscribe") && page.contains("lang=\"en\""),
        "{page}"
    );
    let done = http::post(office.app.port, &bert.unsubscribe_path(), &[], b"").unwrap();
    assert!(done.text().contains("You are unsubscribed"), "{}", done.text());
    assert_eq!(to(&mails_of(&office, "Vier", 1)), ["cem@ex.example"]);
    assert_eq!(serve.stop(), 0);

    // The list still has all three, and a restart changes nothing.
    office
        .app
        .write("verteiler.csv", &format!("{}dora@ex.example,,,\n", super::LIST));
    let serve = office.serve();
    assert_eq!(
        to(&mails_of(&office, "Fuenf", 2)),
        ["cem@ex.example", "dora@ex.example"]
    );
    assert_eq!(serve.stop(), 0);
}

#[test]
fn a_forged_token_is_refused() {
    let Some(office) = Office::open("") else { return };
    let serve = office.serve();
    let mails = mails_of(&office, "Eins", 3);
    let path = mails[0].unsubscribe_path();
    let (before, token) = path.rsplit_once('/').unwrap();
    let other = mails[2].unsubscribe_path();
    let other = other.rsplit_once('/').unwrap().1;
    let mut forged = vec![
        "x".to_owned(),
        "A".repeat(28),
        token.to_lowercase(),
        token[1..].to_owned(),
        format!("{token}A"),
        // Somebody's number with somebody else's proof.
        format!("{}{}", &token[..8], &other[8..]),
        format!("{}{}", &other[..8], &token[8..]),
        "%2e%2e".to_owned(),
        "x".repeat(5_000),
    ];
    forged.retain(|f| f != token);
    for token in forged {
        let path = format!("{before}/{token}");
        assert_eq!(http::get(office.app.port, &path).unwrap().status, 404, "{path}");
        let answer = one_click(&office, &path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("Dieser Abmelde-Link gilt nicht") && answer.text().contains("115"));
    }
    // A publisher that is not there has no such pages.
    assert_eq!(
        http::get(office.app.port, &format!("/soest/unsubscribe/{token}"))
            .unwrap()
            .status,
        404
    );
    assert_eq!(mails_of(&office, "Zwei", 3).len(), 3);
    assert_eq!(serve.stop(), 0);
}
