//! The disk of DATA is full to its last byte in mid-drain, and then the process is killed: it comes back while the disk is still full, sends nothing, and goes
//! on when there is room.

use super::books::{compare, everything_ends, in_flight};
use super::moments::{published, publishing};
use super::{PEOPLE, stage};
use crate::support::disk::SmallDisk;
use crate::support::{TestApp, eventually, http};

/// Large enough for reserve and floor.
const SIZE: &str = "256m";
const ROUNDS: usize = 3;

fn is_low(app: &TestApp) -> bool {
    let metrics = http::get(app.admin_port, "/metrics").unwrap().text();
    metrics.contains("rundruf_disk_low 1")
}

#[test]
fn a_full_disk_and_a_kill_lose_nothing_and_double_nothing() {
    let stage = stage("1m");
    let (app, sandbox) = (&stage.app, &stage.sandbox);
    let data = app.path().join("data");
    let Some(disk) = SmallDisk::mount(&data, SIZE) else {
        return;
    };
    let reserve = data.join("reserve");
    let mut serve = app.serve();
    for number in 1..=ROUNDS {
        eventually("the reserve is there", || reserve.exists().then_some(()));
        let taken = sandbox.kannel.books().entries.len();
        published(publishing(app, number));
        let some = sandbox.kannel.until(|b| b.entries.len() >= taken + PEOPLE / 4);
        stage.wait("SMS go", some);
        if number % 2 == 1 {
            // Filled up while it runs: it gives up the reserve, and what was sent is written down.
            disk.leave(0);
            eventually("the reserve is given up", || (!reserve.exists()).then_some(()));
            serve.kill();
        } else {
            // Filled up when it is dead: the next one has the reserve to begin with.
            serve.kill();
            disk.leave(0);
        }
        in_flight(&stage);
        serve = app.serve();
        eventually("it knows", || is_low(app).then_some(()));
        assert!(!reserve.exists());
        let machine = app.json(&["status"])["machine"].to_string();
        assert!(
            machine.contains("MB are free") && machine.contains("nothing new is sent"),
            "{machine}"
        );
        let before = sandbox.kannel.books().entries.len();
        assert_eq!(http::get(app.port, "/readyz").unwrap().status, 200);
        assert_eq!(sandbox.kannel.books().entries.len(), before, "something began");
        disk.roomy();
    }
    everything_ends(&stage);
    assert_eq!(serve.stop(), 0);
    compare(&stage, ROUNDS);
}
