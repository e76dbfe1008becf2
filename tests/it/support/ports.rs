//! Free ports for counterparts that must be told one. A server of our own binds port 0 instead.

use std::fs::{File, create_dir_all};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which the kernel gives ports to clients (32768 on Linux), so that no connection takes one away.
const FIRST: u16 = 21_000;
const COUNT: u16 = 11_000;

/// Ports in a row that no other test uses, in this process or another, until this is dropped.
#[derive(Debug)]
pub struct Ports {
    first: u16,
    /// A lock on a file per port: the kernel frees it however the process ends.
    _held: Vec<File>,
}

impl Ports {
    /// The first of them; the others follow it.
    pub fn first(&self) -> u16 {
        self.first
    }
}

/// `count` free ports in a row on 127.0.0.1.
pub fn free(count: u16) -> Ports {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let folder = std::env::temp_dir().join("rundruf-test-ports");
    create_dir_all(&folder).unwrap();
    let offset = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap();
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(count, Ordering::Relaxed);
        let first = FIRST + offset.wrapping_add(step) % (COUNT - count);
        let held: Vec<File> = (first..first + count)
            .map_while(|port| {
                let file = File::create(folder.join(port.to_string())).ok()?;
                file.try_lock().ok()?;
                TcpListener::bind(("127.0.0.1", port)).ok()?;
                Some(file)
            })
            .collect();
        if held.len() == usize::from(count) {
            return Ports { first, _held: held };
        }
    }
    panic!("no {count} free ports in a row from {FIRST} on");
}
