//! Which spellings are one recipient, for every kind that has any.

use super::Built;
use super::testing::channel;

const HOOK: &str = "secret = \"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\nallow_private = true\n";

fn kind(name: &str) -> Built {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("list.csv"), "address\n").unwrap();
    let own = match name {
        "webhook" => HOOK.to_owned(),
        "email" => "server = \"127.0.0.1\"\ntls = \"none\"\nfrom = \"a@stadt.example\"\n".to_owned(),
        _ => "url = \"http://127.0.0.1:1\"\nusername = \"u\"\npassword = \"p\"\n".to_owned(),
    };
    let file = dir.path().join("channels.toml");
    let text = format!(
        "publisher.stadt.name = \"Stadt\"\n[channel.a]\nkind = \"{name}\"\naudience = {{ file = \"list.csv\" }}\n{own}"
    );
    std::fs::write(&file, text).unwrap();
    let (_, mut channels) = super::registry::configure(&file, &dir.path().join("data")).unwrap();
    channels.remove(0).built
}

/// A form, and what is the same.
type Same = (&'static str, &'static [&'static str]);

#[test]
fn spellings_of_one_recipient() {
    let numbers: &[Same] = &[
        (
            "+491713920001",
            &[
                "+49 171 3920001",
                "+49 (0)171 392-0001",
                "+49(171)3920001",
                " +49\u{a0}171\u{202f}392 00 01 ",
                "\u{202a}+49\u{2011}171\u{2013}392/0001\u{202c}",
                "+49.171.3920001",
            ],
        ),
        ("+491713920010", &[]),
    ];
    let mails: &[Same] = &[
        (
            "anna@stadt.example",
            &["anna@Stadt.Example", "Anna@stadt.example", " ANNA@STADT.EXAMPLE "],
        ),
        (
            "anna@xn--stdt-moa.example",
            &["anna@städt.example", "anna@STÄDT.example", "Anna@xn--stdt-moa.example"],
        ),
        ("anna+a@stadt.example", &[]),
        ("an.na@stadt.example", &[]),
    ];
    let hooks: &[Same] = &[
        (
            "https://kreis.example/hooks/A?b=C",
            &[
                "HTTPS://Kreis.Example/hooks/A?b=C",
                "https://kreis.example:443/hooks/./x/../A?b=C",
                "https://kreis.example/hooks/A?b=C#oben",
                " https://kreis.example/hooks/A?b=C ",
            ],
        ),
        ("https://kreis.example/hooks/a?b=C", &[]),
        ("https://kreis.example:8443/hooks/A?b=C", &[]),
        ("http://kreis.example/hooks/A?b=C", &[]),
        ("https://kreis.example/", &["https://kreis.example"]),
        ("https://xn--stdt-moa.example/%C3%A4", &["https://städt.example/ä"]),
    ];
    for (name, table) in [("kannel", numbers), ("email", mails), ("webhook", hooks)] {
        let kind = kind(name);
        for (form, spellings) in table {
            for spelling in spellings.iter().chain([form]) {
                assert_eq!(kind.canonical(spelling).as_deref(), Some(*form), "{spelling}");
            }
        }
    }
}

#[test]
fn what_is_no_address_is_compared_as_written() {
    for (name, none) in [
        (
            "kannel",
            &[
                "0171 3920001",
                "Anna",
                "+49",
                "+0 171 3920001",
                "+49 171 39 (0) (0) 20001 x",
            ][..],
        ),
        (
            "email",
            &[
                "anna",
                "@stadt.example",
                "Anna <anna@stadt.example>",
                "änna@stadt.example",
            ],
        ),
        (
            "webhook",
            &[
                "kreis.example/hook",
                "ftp://kreis.example/",
                "https://",
                "+491713920001",
            ],
        ),
    ] {
        let kind = kind(name);
        for written in none {
            assert_eq!(kind.canonical(written), None, "{written}");
            assert_eq!(kind.compared(written), written.to_ascii_lowercase());
        }
    }
    // An account has no recipients, whatever its address.
    let account = Built::Messages(channel(
        "webhook",
        "http://127.0.0.1:1",
        HOOK.trim_end_matches("allow_private = true\n"),
    ));
    assert_eq!(account.canonical("https://kreis.example/"), None);
}
