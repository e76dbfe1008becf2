//! A store that can be written no more, or read no more, in mid-drain (LANES 8): nothing begins that could not be recorded, the page stays up, whoever looks
//! is told what to do, and afterwards nobody has anything twice.

use std::io::{Seek, SeekFrom, Write};

use sqlx::{Connection, SqliteConnection};

use super::support::app::Answer;
use super::support::counterparts::{Stage, WEBSITE, sms};
use super::support::disk::SmallDisk;
use super::support::{TestApp, eventually, http};

const PEOPLE: usize = 200;
const CONNECTIONS: usize = 20;

const PUBLISHER: &str = "[publisher.potsdam]\nname = \"Landeshauptstadt Potsdam\"\nlanguages = [\"de\"]\ntimezone = \"Europe/Berlin\"\nphone = \"115\"\n";

fn stage() -> Stage {
    let stage = Stage::new(PUBLISHER, |sandbox| {
        let drain = format!("concurrency = {CONNECTIONS}\norder_wait = \"1s\"\ntimeout = \"1m\"");
        WEBSITE.to_owned() + &sms(sandbox, &drain)
    });
    let phones: String = (0..PEOPLE).map(|n| format!("+49171392{n:04}\n")).collect();
    stage.app.write("presse.csv", &format!("address\n{phones}"));
    stage
}

fn publish(app: &TestApp) {
    let notice = "incident = \"ausfall\"\nheadline = \"Die IT ist abgeschaltet\"\nsummary = \"Bitte rufen Sie an.\"\n";
    app.publish(notice, &[]);
}

/// What was said on either way, in one line.
fn said(answer: &Answer) -> String {
    let all = format!("{} {}", answer.out, answer.err);
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn page_is_up(app: &TestApp) {
    let page = http::get(app.port, "/potsdam/ausfall/1/").unwrap();
    assert!(page.status == 200 && page.text().contains("Die IT ist abgeschaltet"));
    assert_eq!(http::get(app.admin_port, "/healthz").unwrap().status, 200);
}

#[test]
fn a_disk_that_takes_nothing_more_in_mid_drain() {
    let stage = stage();
    let (app, gateway) = (&stage.app, &stage.sandbox.kannel);
    let (data, image) = (app.path().join("data"), app.path().join("image"));
    let Some(disk) = SmallDisk::with_image_of(&data, &image, 256) else {
        return;
    };
    let serve = app.serve();
    publish(app);
    app.wait_for("website", 1, "delivered", 1);
    stage.wait("SMS go", gateway.until(|b| b.entries.len() >= PEOPLE / 4));
    disk.breaks();

    let machine = eventually("status says so", || {
        let machine = app.json(&["status"])["machine"].to_string();
        machine.contains("Nothing can be written").then_some(machine)
    });
    assert!(
        machine.contains("the disk is read-only") && machine.contains("restart rundruf serve"),
        "{machine}"
    );
    // Whatever was in flight has left by the time the log says that something could not be written; from then on nothing begins.
    eventually("serve has met it", || {
        app.log().contains("the store failed").then_some(())
    });
    let taken = gateway.books().entries.len();
    assert!(taken < PEOPLE, "all had gone");
    let refused = {
        app.write(
            "zweite.toml",
            "incident = \"ausfall\"\nheadline = \"Zweite\"\nsummary = \"Bitte rufen Sie an.\"\n",
        );
        app.run(&["publish", "zweite.toml", "--yes"])
    };
    assert!(
        refused.code == 1 && refused.err.contains("The store cannot be used now"),
        "{refused:?}"
    );
    let german = said(&app.german(&["status"]).ok());
    assert!(german.contains("lässt sich nichts mehr schreiben"), "{german}");
    let check = app.run(&["check"]);
    assert!(
        check.code == 1 && said(&check).contains("Nothing can be written"),
        "{check:?}"
    );
    page_is_up(app);
    assert!(gateway.books().entries.len() <= taken + CONNECTIONS, "sending went on");
    assert_eq!(app.log().matches("the store failed").count(), 1, "said once");
    assert_eq!(serve.stop(), 0);
    let taken = gateway.books().entries.len();
    let second = app.run(&["serve"]);
    assert!(
        second.code == 1 && second.err.contains("the disk is read-only"),
        "{second:?}"
    );

    // Mended: what was in flight and could not be written down nobody knows, until its report comes.
    drop(disk);
    let Some(_disk) = SmallDisk::with_image_of(&data, &image, 256) else {
        return;
    };
    let serve = app.serve();
    eventually("everything has ended", || {
        let counters = app.broadcast("sms", 1)["counters"].clone();
        let of = |name: &str| counters[name].as_u64().unwrap() as usize;
        (of("delivered") == gateway.books().entries.len() && of("delivered") + of("unknown") == PEOPLE).then_some(())
    });
    let books = gateway.books();
    assert!(books.entries.len() >= PEOPLE - CONNECTIONS && books.entries.len() > taken);
    assert_eq!(books.doubles(), 0);
    assert_eq!(app.json(&["status"])["machine"], serde_json::json!([]));
    assert_eq!(serve.stop(), 0);
}

/// The pages of a table.
async fn pages(store: &std::path::Path, table: &str) -> Vec<u64> {
    let mut connection = SqliteConnection::connect(&format!("sqlite:{}", store.display()))
        .await
        .unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut connection)
        .await
        .unwrap();
    let pages: Vec<i64> = sqlx::query_scalar("SELECT pageno FROM dbstat WHERE name = ?")
        .bind(table)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    pages.into_iter().map(|page| u64::try_from(page).unwrap()).collect()
}

#[test]
fn a_damaged_file_in_mid_drain() {
    let stage = stage();
    let (app, gateway) = (&stage.app, &stage.sandbox.kannel);
    let serve = app.serve();
    stage.stop_kannel();
    publish(app);
    app.wait_for("website", 1, "delivered", 1);
    eventually("the gateway was tried", || {
        let line = app.broadcast("sms", 1);
        line["text"].as_str().unwrap().contains("next try").then_some(())
    });
    app.run(&["backup", "sicherung"]).ok();

    // The rows of recipients are gone, everything else is whole.
    let path = app.path().join("data/rundruf.db");
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    for page in stage.wait("the pages are found", pages(&path, "delivery")) {
        file.seek(SeekFrom::Start((page - 1) * 4_096)).unwrap();
        file.write_all(&[0x55; 4_096]).unwrap();
    }
    file.sync_all().unwrap();
    // Another process's commit: what serve remembers of the file is void.
    app.run(&["suppression", "add", "+491719999999"]).ok();
    stage.start_kannel();

    let status = eventually("status says so", || {
        let status = said(&app.run(&["status"]));
        status.contains("The file is damaged").then_some(status)
    });
    assert!(
        status.contains("restore the newest backup into an empty folder"),
        "{status}"
    );
    assert!(said(&app.german(&["status"])).contains("Die Datei ist beschädigt"));
    page_is_up(app);
    let check = app.run(&["check"]);
    assert!(
        check.code == 1 && said(&check).contains("The file is damaged"),
        "{check:?}"
    );
    assert_eq!(
        gateway.books().entries.len(),
        0,
        "something went that could not be recorded"
    );
    assert_eq!(serve.stop(), 0);
    // Who starts it again has the page all the same, and is told the same.
    let serve = app.serve();
    page_is_up(app);
    eventually("status says so again", || {
        said(&app.run(&["status"]))
            .contains("The file is damaged")
            .then_some(())
    });
    assert_eq!(serve.stop(), 0);
    assert_eq!(gateway.books().entries.len(), 0);

    // As it says.
    std::fs::rename(app.path().join("data"), app.path().join("beschädigt")).unwrap();
    app.run(&["restore", "sicherung"]).ok();
    let serve = app.serve();
    page_is_up(app);
    // Whether they went after the backup only a person can know; here nothing did.
    let sms = app.broadcast("sms", 1);
    assert_eq!(sms["counters"]["unknown"], PEOPLE, "{sms}");
    let decided = app.json(&["decide", &format!("b{}", sms["id"]), "again", "--yes"]);
    assert_eq!(decided["decided"], PEOPLE);
    app.run(&["channel", "release", "sms", "--yes"]).ok();
    app.wait_for("sms", 1, "delivered", PEOPLE as u64);
    let books = gateway.books();
    assert_eq!((books.entries.len(), books.doubles()), (PEOPLE, 0));
    assert_eq!(serve.stop(), 0);
}
