//! Four copies of one site, on web space of every kind. One fails in every way while readers look at all of them: each copy is
//! whole at every moment, old or new; the others go on; the retry goes on where it was.

mod copies;
mod reader;

use super::support::disk::SmallDisk;
use copies::Copies;

/// Away, cut in the middle from either side, slow: what any server on the net does. `hangs`: what is said of one that takes a connection and
/// says nothing, not even the first word of TLS.
fn fails_in_every_way(faulty: &'static str, hangs: &str) {
    let Some(mut copies) = Copies::start(faulty, &[]) else {
        return;
    };
    let reader = copies.reader();
    copies.proxy().stop();
    copies.fails_and_follows(
        reader,
        "2023-01-it",
        "Server steht",
        "nothing answers there",
        |copies| {
            copies.proxy().start_again();
        },
    );

    // New incidents, whose names sort before and after all that is there: the front page must not know them too early.
    // What was cut goes on at once, and nothing answers there then.
    for (mode, incident, why) in [
        ("hang", "2023-01-it", hangs),
        ("cut-request 40000 x1 then refuse", "a-neu", "://"),
        ("cut-request 25000 x1 then refuse", "z-neu", "://"),
        ("cut-answer 4000 x1 then refuse", "2023-01-it", "://"),
        ("lose-answer x1 then refuse", "b-neu", "://"),
    ] {
        let reader = copies.reader();
        copies.proxy().mode(mode);
        copies.fails_and_follows(reader, incident, &format!("Server: {mode}"), why, |copies| {
            copies.proxy().mode("pass");
            copies.proxy().cut();
        });
    }

    let reader = copies.reader();
    copies.proxy().mode("slow 3");
    let number = copies.publish("c-neu", "Server ist langsam");
    // Nobody asks for another try: it gets there by itself.
    copies.app.wait_for("website", number, "delivered", 4);
    reader.end();
    copies.all_same();
    copies.end();
}

#[test]
fn an_sftp_server_fails_in_every_way() {
    fails_in_every_way("sftp", "within");
}

#[test]
fn a_webdav_server_fails_in_every_way() {
    fails_in_every_way("nginx", "nothing came in time");
}

#[test]
fn a_bucket_fails_in_every_way() {
    fails_in_every_way("s3fs", "within");
}

/// The server is there and refuses every change.
fn takes_no_changes(faulty: &'static str, why: &str) {
    let Some(mut copies) = Copies::start(faulty, &[]) else {
        return;
    };
    let begin_anew = |copies: &Copies, env: &[(&str, &str)]| {
        let peer = match faulty {
            "sftp" => &copies.sftp,
            "nginx" => &copies.nginx,
            _ => &copies.s3,
        };
        peer.stop();
        peer.start_again_with(env);
    };
    begin_anew(&copies, &[("READONLY", "1")]);
    let reader = copies.reader();
    copies.fails_and_follows(reader, "2023-01-it", "Nur lesen", why, |copies| {
        begin_anew(copies, &[]);
    });
    copies.end();
}

#[test]
fn an_sftp_server_that_takes_no_changes() {
    takes_no_changes("sftp", "no write access to");
}

#[test]
fn a_webdav_server_that_takes_no_changes() {
    takes_no_changes("nginx", "does not allow it (403)");
}

#[test]
fn a_bucket_that_takes_no_changes() {
    takes_no_changes("s3fs", "is in trouble (500)");
}

#[test]
fn a_webdav_server_whose_disk_is_full() {
    let Some(mut copies) = Copies::start("nginx", &[("SMALL", "6m")]) else {
        return;
    };
    copies.nginx.verb("full", &[]);
    let reader = copies.reader();
    copies.fails_and_follows(reader, "a-neu", "Platte voll", "is in trouble (500)", |copies| {
        copies.nginx.verb("roomy", &[]);
    });
    copies.end();
}

/// What is left of the disk when the upload begins, in bytes: enough for its first files, too little for all.
const LEFT: [u64; 2] = [24 << 10, 0];

/// The disk of a copy fills up in the middle of an upload, later it takes no changes at all.
fn disk_fails(faulty: &'static str, full: &str, read_only: Option<&str>) {
    let mut disk = None;
    let started = Copies::start_on(faulty, &[], |folder| {
        disk = Some(SmallDisk::mount(folder, "6m")?);
        Some(())
    });
    let (Some(mut copies), Some(disk)) = (started, disk) else {
        return;
    };
    for left in LEFT {
        disk.leave(left);
        let reader = copies.reader();
        copies.fails_and_follows(reader, &format!("a-neu-{left}"), "Platte voll", full, |_| disk.roomy());
    }
    if let Some(why) = read_only {
        disk.read_only(true);
        let reader = copies.reader();
        copies.fails_and_follows(reader, "z-neu", "Platte nimmt nichts an", why, |_| {
            disk.read_only(false);
        });
    }
    copies.end();
}

#[test]
fn a_folder_whose_disk_is_full_or_takes_no_changes() {
    disk_fails("file", "the disk is full", Some("the disk is read-only"));
}

#[test]
fn an_sftp_server_whose_disk_is_full() {
    disk_fails("sftp", "the server refuses", None);
}

#[test]
fn a_bucket_whose_disk_is_full() {
    disk_fails("s3fs", "is in trouble (500)", None);
}
