//! Postfix as the queue that many would set up for this: smtp-source gives it mails, it keeps them on the disk and hands them on
//! to the sink. An instance of its own in a folder of its own, on a port of its own; the machine's is not touched.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::process::Command;

use super::smtp_sink::SmtpSink;
use crate::kit::{place, rivals};

/// Connections of smtp-source, and of Postfix to one destination as it comes.
const CONNECTIONS: &str = "20";

/// Mails a second from the first one given to it to the last one at the sink. `None` where it is not installed, or may not be started.
pub async fn run(sink: &SmtpSink, mails: u64) -> Option<f64> {
    let (postfix, source) = (rivals::program("postfix")?, rivals::program("smtp-source")?);
    if !rivals::is_root() {
        return None;
    }
    let dir = place::folder();
    let port = place::free_port();
    let etc = configure(dir.path(), port, sink.port).await;
    control(&postfix, &etc, "start").await;
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let before = sink.count();
    let begin = Instant::now();
    let mut give = Command::new(source);
    give.args(["-s", CONNECTIONS, "-d", "-m", &mails.to_string(), "-l", "2000", "-N"])
        .args(["-f", "status@example.org", "-t", "resident@example.net"])
        .arg(format!("127.0.0.1:{port}"));
    rivals::output(&mut give).await.expect("smtp-source");
    sink.reaches(before + mails).await;
    let speed = mails as f64 / begin.elapsed().as_secs_f64();
    control(&postfix, &etc, "stop").await;
    Some(speed)
}

async fn control(postfix: &Path, etc: &Path, what: &str) {
    let mut command = Command::new(postfix);
    command.arg("-c").arg(etc).arg(what);
    rivals::output(&mut command)
        .await
        .unwrap_or_else(|error| panic!("postfix {what}: {error}"));
}

/// As Debian delivers it, but for places and ports; its folder of settings.
async fn configure(dir: &Path, port: u16, sink: u16) -> PathBuf {
    let [etc, queue, data] = ["etc", "queue", "data"].map(|name| dir.join(name));
    for folder in [&etc, &queue, &data] {
        std::fs::create_dir(folder).expect("a folder");
    }
    // Its processes run as other users.
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).expect("its own");
    let mut chown = Command::new("chown");
    rivals::output(chown.arg("postfix:postfix").arg(&data))
        .await
        .expect("chown");
    let usual = PathBuf::from("/etc/postfix");
    let _ = std::fs::copy(usual.join("dynamicmaps.cf"), etc.join("dynamicmaps.cf"));
    let services = std::fs::read_to_string(usual.join("master.cf"))
        .or_else(|_| std::fs::read_to_string("/usr/share/postfix/master.cf.dist"))
        .expect("Postfix's services");
    std::fs::write(etc.join("master.cf"), ours(&services, port)).expect("written");
    let (dir, queue, data) = (dir.display(), queue.display(), data.display());
    let main = format!(
        "compatibility_level = 3.6\nqueue_directory = {queue}\ndata_directory = {data}\n\
         inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmyhostname = bench.localhost\nmydestination =\n\
         alias_maps =\nalias_database =\nmynetworks = 127.0.0.0/8\nrelayhost = [127.0.0.1]:{sink}\n\
         maillog_file = {dir}/log\nmaillog_file_prefixes = {dir}\n\
         smtp_tls_security_level = none\nsmtpd_tls_security_level = none\n"
    );
    std::fs::write(etc.join("main.cf"), main).expect("written");
    etc
}

/// Postfix's list of services: its door at our port, no service in a jail that would have to be furnished.
fn ours(services: &str, port: u16) -> String {
    let mut out = String::new();
    for line in services.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_service = !line.starts_with([' ', '\t', '#']) && words.len() >= 8;
        if !is_service {
            writeln!(out, "{line}").expect("text takes everything");
            continue;
        }
        let door = format!("127.0.0.1:{port}");
        for (n, word) in words.iter().enumerate() {
            let word = match n {
                0 if *word == "smtp" && words[1] == "inet" => &door,
                4 => "n",
                _ => word,
            };
            write!(out, "{word} ").expect("text takes everything");
        }
        out.push('\n');
    }
    out
}
