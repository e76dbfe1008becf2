//! Bad configurations: each is refused with its place and with what to do; no secret is ever repeated.

use std::path::Path;

use rundruf::channel::registry::configure;
use rundruf::domain::problem::Problem;

use super::support::root;

/// A configuration, where the fault stands (0: no line), a piece of what is said of it and a piece of the remedy.
pub struct Bad {
    /// What is wrong, for failures of the test.
    pub name: &'static str,
    /// channels.toml.
    pub toml: &'static str,
    /// Line of the fault.
    pub line: usize,
    /// What is said, in English.
    pub what: &'static str,
    /// What to do, in English.
    pub remedy: &'static str,
}

const fn bad(name: &'static str, toml: &'static str, line: usize, what: &'static str, remedy: &'static str) -> Bad {
    Bad {
        name,
        toml,
        line,
        what,
        remedy,
    }
}

/// Put in front of cases that need a publisher: one line.
pub const P: &str = "publisher.stadt.name = \"Stadt\"\n";

/// One file each; `P` stands in front, so the first line of a case is line 2.
pub const BAD: &[Bad] = &[
    bad("no TOML", "[site\n", 2, "not valid TOML", "brackets"),
    bad(
        "text not closed",
        "[site]\nurl = \"http://x\n",
        3,
        "not valid TOML",
        "quotation",
    ),
    bad(
        "key twice",
        "[serve]\nlisten = \"127.0.0.1:1\"\nlisten = \"127.0.0.1:2\"\n",
        4,
        "not valid TOML",
        "doubled",
    ),
    bad(
        "section twice",
        "[channel.a]\nkind = \"website\"\n[channel.a]\n",
        4,
        "not valid TOML",
        "doubled",
    ),
    bad(
        "unknown section",
        "[chanel.a]\nkind = \"website\"\n",
        2,
        "Did you mean \"channel\"",
        "[channel.NAME]",
    ),
    bad(
        "unknown key one letter off",
        "[site]\nulr = \"http://x\"\n",
        3,
        "Did you mean \"url\"",
        "url",
    ),
    bad(
        "unknown key of a kind",
        "[channel.a]\nkind = \"website\"\ntargts = [\"file:x\"]\n",
        4,
        "Did you mean \"targets\"",
        "targets",
    ),
    bad(
        "unknown key of all kinds",
        "[channel.a]\nkind = \"website\"\ntargets = [\"file:x\"]\ncatchup = \"every\"\n",
        5,
        "Did you mean \"catch_up\"",
        "catch_up",
    ),
    bad(
        "unknown kind",
        "[channel.a]\nkind = \"mastodn\"\n",
        3,
        "Did you mean \"mastodon\"",
        "kannel, mastodon, webhook, website",
    ),
    bad(
        "kind of a later release",
        "[channel.a]\nkind = \"email\"\n",
        3,
        "no kind of channel",
        "kannel, mastodon, webhook, website",
    ),
    bad(
        "no kind",
        "[channel.a]\ntargets = [\"file:x\"]\n",
        2,
        "kind is missing",
        "kind = \"website\"",
    ),
    bad(
        "kind is a number",
        "[channel.a]\nkind = 7\n",
        3,
        "a whole number",
        "text in quotation marks",
    ),
    bad(
        "name in capitals",
        "[channel.SMS]\nkind = \"website\"\n",
        2,
        "not possible",
        "a to z",
    ),
    bad(
        "reserved name",
        "[channel.receipts]\nkind = \"website\"\n",
        2,
        "reserved word",
        "another name",
    ),
    bad(
        "channel is no section",
        "[channel]\nsms = \"kannel\"\n",
        3,
        "must be a section",
        "[channel.NAME]",
    ),
    bad(
        "listen with a name",
        "[serve]\nlisten = \"localhost:8080\"\n",
        3,
        "not understood",
        "number and port",
    ),
    bad(
        "listen without a port",
        "[serve]\nlisten = \"127.0.0.1\"\n",
        3,
        "not understood",
        "number and port",
    ),
    bad(
        "both listeners the same",
        "[serve]\nlisten = \"127.0.0.1:9\"\nadmin_listen = \"127.0.0.1:9\"\n",
        4,
        "same address",
        "another port",
    ),
    bad(
        "public without imprint",
        "[serve]\nlisten = \"0.0.0.0:80\"\n[site]\nurl = \"https://x.example\"\n",
        1,
        "imprint",
        "represented_by",
    ),
    bad(
        "site without scheme",
        "[site]\nurl = \"info.example\"\n",
        3,
        "no complete address",
        "https://",
    ),
    bad(
        "site with ftp",
        "[site]\nurl = \"ftp://info.example\"\n",
        3,
        "no complete address",
        "http",
    ),
    bad(
        "site with a password",
        "[site]\nurl = \"https://u:pass-word-1@info.example\"\n",
        3,
        "credentials",
        "password_file",
    ),
    bad(
        "store of a later release",
        "[store]\nurl = \"postgres://u:pass-word-1@db/x\"\n",
        3,
        "does not know",
        "sqlite:",
    ),
    bad(
        "staff names nobody",
        "[staff]\nnotify = [\"krisenstab\"]\n",
        3,
        "no channel \"krisenstab\"",
        "[channel.",
    ),
    bad(
        "duration without a unit",
        "[channel.a]\nkind = \"website\"\ntargets = [\"file:x\"]\nexpires = \"6\"\n",
        5,
        "not understood",
        "6h",
    ),
    bad(
        "duration as a number",
        "[channel.a]\nkind = \"website\"\ntargets = [\"file:x\"]\nexpires = 6\n",
        5,
        "a whole number",
        "text",
    ),
    bad(
        "rate by the week",
        "[channel.a]\nkind = \"website\"\ntargets = [\"file:x\"]\nrate = \"5/week\"\n",
        5,
        "not understood",
        "50/s",
    ),
    bad(
        "no concurrency",
        "[channel.a]\nkind = \"website\"\ntargets = [\"file:x\"]\nconcurrency = 0\n",
        5,
        "not possible",
        "from 1 to",
    ),
    bad(
        "gate of a later state",
        "[channel.a]\nkind = \"website\"\ntargets = [\"file:x\"]\ngate = \"draining\"\n",
        5,
        "no \"draining\"",
        "open, held",
    ),
    bad(
        "yes as text",
        "[channel.a]\nkind = \"website\"\ntargets = [\"file:x\"]\nexercises = \"yes\"\n",
        5,
        "a text",
        "true or false",
    ),
    bad(
        "unknown language",
        "[channel.a]\nkind = \"website\"\ntargets = [\"file:x\"]\nlanguages = [\"de\", \"fr\"]\n",
        5,
        "\"fr\"",
        "de-simple",
    ),
    bad(
        "unknown publisher",
        "[channel.a]\nkind = \"website\"\npublisher = \"stad\"\ntargets = [\"file:x\"]\n",
        4,
        "Did you mean \"stadt\"",
        "stadt",
    ),
    bad(
        "two publishers, none named",
        "[publisher.kreis]\nname = \"Kreis\"\n[channel.a]\nkind = \"website\"\ntargets = [\"file:x\"]\n",
        4,
        "publisher is missing",
        "kreis, stadt",
    ),
    bad(
        "no such zone",
        "[publisher.kreis]\nname = \"Kreis\"\ntimezone = \"Europe/Potsdam\"\n",
        4,
        "not understood",
        "Europe/Berlin",
    ),
    bad(
        "no such parent",
        "[publisher.kreis]\nname = \"Kreis\"\nparent = \"land\"\n",
        4,
        "no publisher \"land\"",
        "parent",
    ),
    bad(
        "parents in a circle",
        "[publisher.a]\nname = \"A\"\nparent = \"b\"\n[publisher.b]\nname = \"B\"\nparent = \"a\"\n",
        4,
        "circle",
        "parent",
    ),
    bad(
        "imprint with a gap",
        "[publisher.kreis]\nname = \"Kreis\"\nimprint = { name = \"Kreis\" }\n",
        4,
        "missing",
        "responsible",
    ),
    bad(
        "key of eleven digits",
        "[publisher.kreis]\nname = \"Kreis\"\nars = \"12054000000\"\n",
        4,
        "not understood",
        "12 digits",
    ),
    bad(
        "failover to nobody",
        "[channel.a]\nkind = \"website\"\ntargets = [\"file:x\"]\nfailover = \"b\"\n",
        5,
        "no channel \"b\"",
        "[channel.",
    ),
    bad(
        "failover to itself",
        "[channel.a]\nkind = \"website\"\ntargets = [\"file:x\"]\nfailover = \"a\"\n",
        5,
        "circle",
        "failover",
    ),
    bad(
        "target of no kind there is",
        "[channel.a]\nkind = \"website\"\ntargets = [\"ftp://host.example/x\"]\n",
        4,
        "no targets with \"ftp\"",
        "webdavs://",
    ),
    bad(
        "target without a bucket",
        "[channel.a]\nkind = \"website\"\ntargets = [{ url = \"s3://127.0.0.1\", access_key = \"a\", secret_key = \"b\" }]\n",
        4,
        "the bucket is missing",
        "s3://s3.host.example/BUCKET",
    ),
    bad(
        "target without its keys",
        "[channel.a]\nkind = \"website\"\ntargets = [{ url = \"s3://127.0.0.1/b\", access_key = \"a\" }]\n",
        4,
        "secret_key is missing",
        "secret_key_file",
    ),
    bad(
        "password over a line that anybody reads",
        "[channel.a]\nkind = \"website\"\nallow_private = true\ntargets = [{ url = \"webdav://u@host.example/x\", password = \"pass-word-1\" }]\n",
        5,
        "read the password",
        "webdavs://",
    ),
    bad(
        "private address that was not allowed",
        "[channel.a]\nkind = \"website\"\ntargets = [{ url = \"webdav://u@10.0.0.5/x\", password = \"pass-word-1\" }]\n",
        4,
        "read the password",
        "allow_private",
    ),
    bad(
        "target with a password",
        "[channel.a]\nkind = \"website\"\ntargets = [\"sftp://u:pass-word-1@127.0.0.1/x\"]\n",
        4,
        "password",
        "password_file",
    ),
    bad(
        "remote target without imprint",
        "[channel.a]\nkind = \"website\"\ntargets = [\"sftp://u@host.example/x\"]\n",
        1,
        "imprint",
        "represented_by",
    ),
    bad(
        "target twice",
        "[channel.a]\nkind = \"website\"\ntargets = [\"file:x\", \"file:x\"]\n",
        4,
        "twice",
        "once",
    ),
    bad(
        "secret twice",
        "[channel.a]\nkind = \"mastodon\"\nurl = \"https://x.example\"\ntoken = \"pass-word-1\"\ntoken_env = \"T\"\n",
        5,
        "more than once",
        "Keep one",
    ),
    bad(
        "secret out of an unset variable",
        "[channel.a]\nkind = \"mastodon\"\nurl = \"https://x.example\"\ntoken_env = \"RUNDRUF_TEST_NOT_SET\"\n",
        5,
        "not set",
        "token_file",
    ),
    bad(
        "secret out of a missing file",
        "[channel.a]\nkind = \"mastodon\"\nurl = \"https://x.example\"\ntoken_file = \"nowhere\"\n",
        5,
        "cannot be read",
        "path",
    ),
    bad(
        "no secret",
        "[channel.a]\nkind = \"mastodon\"\nurl = \"https://x.example\"\n",
        2,
        "token is missing",
        "token_env",
    ),
    bad(
        "webhook secret of another kind",
        "[channel.a]\nkind = \"webhook\"\nurl = \"https://x.example\"\nsecret = \"pass-word-1\"\n",
        5,
        "whsec_",
        "24 to 64",
    ),
    bad(
        "audience without file",
        "[channel.a]\nkind = \"webhook\"\naudience = { fil = \"x.csv\" }\nsecret = \"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n",
        4,
        "Did you mean \"file\"",
        "file",
    ),
    bad(
        "audience that is not there",
        "[channel.a]\nkind = \"webhook\"\naudience = { file = \"x.csv\" }\nsecret = \"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n",
        4,
        "no file",
        "head line",
    ),
];

fn problems(toml: &[u8]) -> Vec<Problem> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("channels.toml");
    std::fs::write(&file, toml).unwrap();
    refused(&file, dir.path())
}

/// The problems of a configuration that must be refused; nothing may have been written.
fn refused(file: &Path, dir: &Path) -> Vec<Problem> {
    let data = dir.join("data");
    let problems = configure(file, &data).err().unwrap_or_default();
    assert!(!problems.is_empty(), "accepted: {}", file.display());
    assert!(!data.exists(), "something was written");
    problems
}

#[test]
fn every_fault_has_its_place_and_a_remedy() {
    for case in BAD {
        let found = problems(format!("{P}{}", case.toml).as_bytes());
        let lines: Vec<String> = found.iter().map(|problem| problem.line_for(false)).collect();
        let hit = found.iter().any(|problem| {
            problem.line == Some(case.line)
                && problem.what.en.contains(case.what)
                && problem.remedy.en.contains(case.remedy)
                && !problem.what.de.is_empty()
                && !problem.remedy.de.is_empty()
        });
        assert!(hit, "{}: {lines:#?}", case.name);
        assert!(
            !format!("{found:?}").contains("pass-word-1"),
            "{}: a secret is repeated",
            case.name
        );
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let toml =
        format!("{P}[site]\nulr = \"x\"\n[serve]\nlisten = \"x\"\n[channel.a]\nkind = \"emial\"\nrate = \"x\"\n");
    let found: Vec<_> = problems(toml.as_bytes()).iter().map(|p| p.line).collect();
    assert_eq!(found, [Some(3), Some(5), Some(7), Some(8)]);
}

#[test]
fn two_files_with_one_channel_are_both_named() {
    let dir = tempfile::tempdir().unwrap();
    let channel = "[channel.sms]\nkind = \"website\"\ntargets = [\"file:x\"]\n";
    std::fs::write(dir.path().join("channels.toml"), format!("{P}{channel}")).unwrap();
    std::fs::create_dir(dir.path().join("channels.d")).unwrap();
    std::fs::write(dir.path().join("channels.d/sms.toml"), channel).unwrap();
    let found = refused(&dir.path().join("channels.toml"), dir.path());
    let line = found[0].line_for(false);
    assert!(
        line.contains("channels.toml:2") && line.contains("channels.d/sms.toml:1"),
        "{line}"
    );
}

#[test]
fn files_beyond_all_measure() {
    let huge = vec![b'#'; 10 << 20];
    assert!(problems(&huge)[0].what.en.contains("larger than 1 MB"));
    let deep = format!("{P}[site]\nurl = {}{}\n", "[".repeat(1_000), "]".repeat(1_000));
    assert_eq!(problems(deep.as_bytes())[0].line, Some(3));
    let dotted = format!("{}x = 1\n", "a.".repeat(1_000));
    assert!(!problems(dotted.as_bytes()).is_empty());
    let latin1 = b"publisher.stadt.name = \"Stadt\"\n[site]\n# M\xfcnchen\n";
    assert_eq!(problems(latin1)[0].line, Some(3));
    assert!(!problems(b"\0\0\0").is_empty());
    assert!(!problems(b"").is_empty());
}

#[test]
fn a_file_that_is_not_there_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let found = refused(&dir.path().join("nowhere.toml"), dir.path());
    assert!(found[0].remedy.en.contains("--config"), "{found:?}");
}

#[test]
fn the_default_file_starts() {
    let dir = tempfile::tempdir().unwrap();
    let (settings, channels) = configure(&root().join("channels.toml"), dir.path()).unwrap();
    assert_eq!(settings.publishers.len(), 1);
    assert_eq!(channels.len(), 1);
    // Whatever is commented out is right too.
    let text = std::fs::read_to_string(root().join("channels.toml")).unwrap();
    for key in rundruf::settings::COMMON {
        assert!(
            text.contains(key) || *key == "publishers",
            "{key} is not in channels.toml"
        );
    }
}
