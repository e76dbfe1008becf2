//! A disk that fills up (LANES 8): nothing new begins below 64 MB, what was sent is still written down, and it goes on by itself.

use rundruf::store::disk::FLOOR;

use super::support::disk::SmallDisk;
use super::support::receiver::{Receiver, SECRET};
use super::support::{TestApp, eventually, http};

/// Large enough for reserve and floor.
const SIZE: &str = "256m";

#[test]
fn a_disk_that_fills_up_stops_new_sends_and_loses_nothing() {
    let receiver = Receiver::start();
    let app = TestApp::new(&format!(
        "[channel.nachbarn]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{}/hook\"\nsecret = \"{}\"\n",
        receiver.port(),
        SECRET
    ));
    let data = app.path().join("data");
    let Some(disk) = SmallDisk::mount(&data, SIZE) else {
        return;
    };
    let serve = app.serve();
    let reserve = data.join("reserve");
    eventually("the reserve is made", || reserve.exists().then_some(()));

    disk.leave(FLOOR / 2);
    let metrics = || http::get(app.admin_port, "/metrics").unwrap().text();
    eventually("the lanes know", || {
        metrics().contains("rundruf_disk_low 1").then_some(())
    });
    let machine = app.json(&["status"])["machine"].to_string();
    assert!(machine.contains("MB are free"), "status says so: {machine}");
    app.publish(
        "headline = \"Die IT ist abgeschaltet\"\nsummary = \"Bitte rufen Sie an.\"\n",
        &[],
    );
    assert!(reserve.exists(), "not needed yet");
    assert_eq!(app.broadcast("nachbarn", 1)["counters"]["waiting"], 1);

    // To the last byte: the reserve is given up, and what has to be written down fits.
    disk.leave(0);
    eventually("the reserve is given up", || (!reserve.exists()).then_some(()));
    assert_eq!(
        receiver.hooks().len(),
        0,
        "nothing begins that could not be written down"
    );
    app.json(&["channel", "hold", "nachbarn"]);
    app.json(&["channel", "release", "nachbarn", "--yes"]);

    disk.roomy();
    app.wait_for("nachbarn", 1, "delivered", 1);
    assert_eq!(receiver.hooks().len(), 1);
    eventually("the reserve is there again", || reserve.exists().then_some(()));
    assert_eq!(serve.stop(), 0);
}
