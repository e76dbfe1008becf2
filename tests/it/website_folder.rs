//! The site in a folder of this machine, as a target and by `export`: one way to write it, whatever happens meanwhile.

use std::path::Path;

use rundruf::formats::manifest::{MANIFEST, Manifest};

use super::support::disk::SmallDisk;
use super::support::stage::files;
use super::support::{TestApp, eventually};

const WEBSITE: &str = "[channel.website]\nkind = \"website\"\ntargets = [\"file:public\"]\n";

fn publish(app: &TestApp, words: &str) {
    let notice =
        format!("incident = \"ausfall\"\nheadline = \"{words}\"\nsummary = \"{words}. Bitte rufen Sie an.\"\n");
    app.publish(&notice, &["--wait"]);
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn an_export_mends_what_lies_there_and_removes_what_was_its_own() {
    let app = TestApp::new(WEBSITE);
    publish(&app, "Störung");
    app.run(&["export", "out"]).ok();
    let page = app.path().join("out/potsdam/index.html");
    let english = app.path().join("out/en/potsdam/index.html");
    let well = read(&page);
    assert!(english.is_file());
    std::fs::write(&page, "<p>Alles ist gut</p>").unwrap();
    app.write("out/theirs.html", "theirs");
    let config = read(&app.path().join("channels.toml")).replace(", \"en\"]", "]");
    app.write("channels.toml", &config);
    app.run(&["export", "out"]).ok();
    assert!(read(&page) != "<p>Alles ist gut</p>" && !english.exists());
    assert_eq!(read(&app.path().join("out/theirs.html")), "theirs");
    let verified = app.run(&["verify", "out", "--json"]).json();
    assert_eq!(
        (&verified["changed"], &verified["missing"], &verified["extra"]),
        (&[""; 0][..].into(), &[""; 0][..].into(), &["theirs.html"][..].into()),
        "{verified}"
    );
    assert!(well.contains("Störung"));
}

#[test]
fn an_older_copy_of_the_installation_does_not_export_over_a_newer_one() {
    let app = TestApp::new(WEBSITE);
    publish(&app, "Störung");
    app.run(&["backup", "sicherung"]).ok();
    let out = app.path().join("out");
    let out = out.to_str().unwrap();
    let restored = TestApp::new(WEBSITE);
    let backup = app.path().join("sicherung");
    restored.run(&["restore", backup.to_str().unwrap(), "--yes"]).ok();
    restored.run(&["export", out]).ok();
    let list = read(&Path::new(out).join(MANIFEST));
    let answer = app.run(&["export", out]);
    assert!(answer.code == 1 && answer.err.contains("newer instance"), "{answer:?}");
    assert_eq!(read(&Path::new(out).join(MANIFEST)), list);
}

#[test]
fn a_power_cut_takes_nothing_that_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("image");
    let Some(_disk) = SmallDisk::with_image(&dir.path().join("disk"), &image) else {
        return;
    };
    let public = dir.path().join("disk/public");
    let app = TestApp::new(&WEBSITE.replace("file:public", &format!("file:{}", public.display())));
    for words in ["Störung", "Es geht weiter"] {
        publish(&app, words);
        // What the disk holds at this moment, as it is found after the power is back.
        let found = dir.path().join(format!("found {words}"));
        std::fs::copy(&image, found.with_extension("image")).unwrap();
        let Some(_found) = SmallDisk::with_image(&found, &found.with_extension("image")) else {
            return;
        };
        let verified = app.run(&["verify", found.join("public").to_str().unwrap(), "--json"]);
        assert_eq!(verified.code, 0, "{verified:?}");
    }
}

#[test]
fn a_folder_with_something_private_does_not_become_a_website() {
    let refused = |target: &str, words: &str| {
        let app = TestApp::new(&format!(
            "[channel.w]\nkind = \"website\"\ntargets = [\"file:{target}\"]\n[channel.sms]\nkind = \"kannel\"\n\
             url = \"http://127.0.0.1:1/\"\nusername = \"u\"\npassword_file = \"geheim/sms.pw\"\nfrom = \"115\"\n\
             audience = {{ file = \"listen/presse.csv\" }}\n"
        ));
        app.write("geheim/sms.pw", "p");
        app.write("listen/presse.csv", "address\n");
        for command in [&["check"][..], &["status"]] {
            let answer = app.run(command);
            assert!(answer.code == 2 && answer.err.contains(words), "{target}: {answer:?}");
            assert!(answer.err.contains("file:public"), "{target}: {answer:?}");
        }
        assert!(!app.path().join("data").exists());
    };
    for target in ["data", "./x/../data", "data/public"] {
        refused(target, "with store and key");
    }
    refused(".", "it would be public");
    refused("", "the folder is missing");
    refused("geheim", "sms.pw; it would be public");
    refused("listen", "presse.csv; it would be public");

    // Nor does an export go there.
    let app = TestApp::new(WEBSITE);
    publish(&app, "Störung");
    std::os::unix::fs::symlink("data", app.path().join("link")).unwrap();
    for (dir, words) in [
        ("data/out", "with store and key"),
        ("link", "with store and key"),
        (".", "channels.toml"),
    ] {
        let answer = app.run(&["export", dir]);
        assert!(answer.code == 2 && answer.err.contains(words), "{dir}: {answer:?}");
    }
    let german = app.german(&["export", "data"]);
    assert!(
        german.code == 2 && german.err.contains("er wäre öffentlich"),
        "{german:?}"
    );
}

#[test]
fn one_place_belongs_to_one_website() {
    let two = |first: &str, second: &str| {
        TestApp::new(&format!(
            "[channel.a]\nkind = \"website\"\ntargets = [\"{first}\"]\n[channel.b]\nkind = \"website\"\ntargets = [\"{second}\"]\n"
        ))
    };
    for second in ["file:public", "file:./x/../public", "file:link"] {
        let app = two("file:public", second);
        std::fs::create_dir(app.path().join("public")).unwrap();
        std::os::unix::fs::symlink("public", app.path().join("link")).unwrap();
        let answer = app.run(&["check"]);
        assert!(
            answer.code == 2 && answer.err.contains("also in channel.a.targets"),
            "{second}: {answer:?}"
        );
    }
    let sftp = "sftp://web@localhost/htdocs";
    let answer = two(sftp, "sftp://web@LOCALHOST:22/htdocs/").run(&["check"]);
    assert!(
        answer.code == 2 && answer.err.contains("also in channel.a.targets"),
        "{answer:?}"
    );
    let app = two("file:public", "file:training");
    app.run(&["status"]).ok();
}

#[test]
fn a_target_inside_another_is_refused_with_place_and_remedy() {
    let check = |first: &str, second: &str, german: bool| {
        let app = TestApp::new(&format!(
            "[channel.a]\nkind = \"website\"\ntargets = [\"{first}\"]\n[channel.b]\nkind = \"website\"\ntargets = [\"file:x\", \"{second}\"]\n"
        ));
        std::fs::create_dir(app.path().join("public")).unwrap();
        std::os::unix::fs::symlink("public", app.path().join("link")).unwrap();
        if german {
            app.german(&["status"])
        } else {
            app.run(&["status"])
        }
    };
    let start = "sftp://web@localhost";
    for (first, second, inner) in [
        ("file:public", "file:public/zweite", "public/zweite"),
        ("file:public/zweite", "file:public", "public/zweite"),
        ("file:public", "file:link/neu/tief", "link/neu/tief"),
        ("file:y", "file:x/y", "file:"),
        (
            "sftp://web@localhost/htdocs",
            "sftp://web@LOCALHOST:22/htdocs/it/",
            "htdocs/it",
        ),
        (start, "sftp://web@localhost/htdocs", "htdocs"),
    ] {
        let answer = check(first, second, false);
        assert!(
            answer.code == 2 && answer.err.contains(inner) && answer.err.contains("lies in the folder of the target"),
            "{first} {second}: {answer:?}"
        );
    }
    let german = check("file:public", "file:public/zweite", true).err;
    let flat = german.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "channel.b.targets",
        "channels.toml",
        "das andere steht unter channel.a.targets",
        "neben dem anderen",
    ] {
        assert!(flat.contains(words), "{words}: {flat}");
    }
    for (first, second) in [
        ("file:public", "file:public-2"),
        (start, "sftp://other@localhost/htdocs"),
        ("sftp://web@localhost/a", "sftp://web@localhost/ab"),
    ] {
        check(first, second, false).ok();
    }
}

#[test]
fn two_do_not_write_into_one_folder_at_the_same_time() {
    let app = TestApp::new(WEBSITE);
    std::fs::create_dir(app.path().join("public")).unwrap();
    let other = std::fs::File::open(app.path().join("public")).unwrap();
    other.lock().unwrap();
    let serve = app.serve();
    app.publish("headline = \"Aus\"\nsummary = \"Alles ist aus.\"\n", &[]);
    eventually("status says who is in the way", || {
        let status = app.run(&["status"]).out;
        let status = status.split_whitespace().collect::<Vec<_>>().join(" ");
        status.contains("is writing into").then_some(())
    });
    let export = app.run(&["export", "public"]);
    assert!(
        export.code == 1 && export.err.contains("give each a folder of its own"),
        "{export:?}"
    );
    assert_eq!(std::fs::read_dir(app.path().join("public")).unwrap().count(), 0);
    drop(other);
    app.wait_for("website", 1, "delivered", 1);
    assert_eq!(serve.stop(), 0);
    app.run(&["verify", "public"]).ok();
}

/// Every page there is whole.
fn whole_pages(folder: &Path) {
    for (path, bytes) in files(folder) {
        let page = path.ends_with(".html") && !path.contains(".rundruf-");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!page || text.trim_end().ends_with("</html>"), "{path} is half: {text}");
    }
}

#[test]
fn killed_in_the_middle_of_an_upload_the_next_one_goes_on_and_leaves_nothing_behind() {
    let app = TestApp::new(WEBSITE);
    publish(&app, "Störung");
    let public = app.path().join("public");
    let list = || std::fs::read(public.join(MANIFEST)).unwrap();
    let mut in_the_middle = 0;
    for round in 0..3 {
        let mut serve = app.serve();
        app.wait_for("website", 1 + round, "delivered", 1);
        let before = list();
        let places: String = (0..30)
            .map(|n| format!("[place.ort-{round}-{n}]\nname = \"Ort {n}\"\n"))
            .collect();
        let notice = format!("incident = \"ausfall\"\nheadline = \"Weiter\"\nsummary = \"Es dauert.\"\n{places}");
        let number = app.publish(&notice, &[])["number"].as_u64().unwrap();
        eventually("the upload has begun", || (list() != before).then_some(()));
        serve.kill();
        let (left, _) = Manifest::read(&list()).unwrap();
        in_the_middle += u32::from(!left.pending.is_empty());
        whole_pages(&public);
        let serve = app.serve();
        app.wait_for("website", number, "delivered", 1);
        assert_eq!(serve.stop(), 0);
        whole_pages(&public);
        let verified = app.json(&["verify", "public"]);
        assert_eq!(verified["ok"], true, "{verified}");
    }
    assert!(in_the_middle > 0, "every upload was done before it could be killed");
}
