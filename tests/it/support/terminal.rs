//! A command on a terminal of its own, by `script` (bsdutils).

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::skipped;

/// A command that runs on a terminal.
pub struct Terminal {
    child: Child,
    seen: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

/// Starts `command` on a terminal. `None`, said aloud, where `script` is not installed.
pub fn spawn(command: &Command) -> Option<Terminal> {
    if !Command::new("script")
        .arg("--version")
        .output()
        .is_ok_and(|o| o.status.success())
    {
        skipped("script (Debian: bsdutils)");
        return None;
    }
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted: Vec<String> = words
        .map(|word| format!("'{}'", word.to_str().unwrap().replace('\'', r"'\''")))
        .collect();
    let mut script = Command::new("script");
    script
        .args(["-qefc", &quoted.join(" "), "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    if let Some(folder) = command.get_current_dir() {
        script.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    let mut child = script.spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
    let all = Arc::clone(&seen);
    let reader = std::thread::spawn(move || {
        let mut piece = [0; 4_096];
        while let Ok(n @ 1..) = out.read(&mut piece) {
            all.lock().unwrap().extend_from_slice(&piece[..n]);
        }
    });
    Some(Terminal {
        child,
        seen,
        reader: Some(reader),
    })
}

impl Terminal {
    /// All that was written so far, with what moves the cursor.
    pub fn screen(&mut self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    /// Waits until it has ended: its exit code and all that was written.
    pub fn ended(mut self) -> (i32, String) {
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        self.reader.take().unwrap().join().unwrap();
        (code, self.screen())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
