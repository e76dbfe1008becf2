//! A reader of copies: follows every link from the front page, all the time, and says what is half.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::support::http;

/// A copy as a reader gets at it, past the proxy.
#[derive(Clone)]
pub enum Copy {
    Folder(PathBuf),
    Nginx(u16),
}

impl Copy {
    /// `Ok(None)`: not there. `Err`: nobody answers.
    pub fn get(&self, path: &str) -> Result<Option<Vec<u8>>, ()> {
        match self {
            Self::Folder(folder) => Ok(std::fs::read(folder.join(path)).ok()),
            Self::Nginx(port) => {
                let login = [("Authorization", "Basic dTpw")];
                let reply = http::send(*port, "GET", &format!("/dav/site/{path}"), &login, b"");
                match reply.map_err(drop)? {
                    reply if reply.status == 200 => Ok(Some(reply.body)),
                    reply if reply.status == 404 => Ok(None),
                    _ => Err(()),
                }
            }
        }
    }

    /// Follows every link from the front page; what is not there, or not whole. `None` where the copy cannot be read now.
    fn faults(&self) -> Option<Vec<String>> {
        let (mut open, mut seen, mut faults) = (vec!["index.html".to_owned()], BTreeSet::new(), Vec::new());
        while let Some(path) = open.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            let Some(content) = self.get(&path).ok()? else {
                faults.push(format!("{path} is not there"));
                continue;
            };
            let text = String::from_utf8_lossy(&content);
            if path.ends_with(".html") {
                if !text.trim_end().ends_with("</html>") {
                    faults.push(format!("{path} is not whole"));
                }
                open.extend(links(&path, &text));
            }
        }
        Some(faults)
    }
}

/// The files that a page points at on its own site.
fn links(page: &str, html: &str) -> Vec<String> {
    let base = url::Url::parse(&format!("http://copy.invalid/{page}")).unwrap();
    let hrefs = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    hrefs
        .filter_map(|href| base.join(href).ok())
        .filter(|url| url.host_str() == Some("copy.invalid"))
        .map(|url| {
            let path = url.path().trim_start_matches('/');
            if path.is_empty() || path.ends_with('/') {
                format!("{path}index.html")
            } else {
                path.to_owned()
            }
        })
        .collect()
}

/// A reader who looks at the copies in turn, all the time.
pub struct Reader {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<usize, String>>,
}

impl Reader {
    pub fn of(copies: [(&'static str, Copy); 4]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut rounds = 0;
            while !seen.load(Ordering::Relaxed) || rounds < copies.len() {
                for (name, copy) in &copies {
                    match copy.faults() {
                        Some(faults) if !faults.is_empty() => return Err(format!("{name}: {faults:#?}")),
                        Some(_) => rounds += 1,
                        None => {}
                    }
                }
            }
            Ok(rounds)
        });
        Self { stop, thread }
    }

    /// Nothing was half at any moment.
    pub fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap().unwrap_or_else(|faults| panic!("{faults}"));
    }
}
