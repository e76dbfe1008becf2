//! Every counterpart of `tests/peers` really starts, does its work, and fails as it is told.

use super::support::http::{get, post, send};
use super::support::{FaultProxy, Peer, browser, eventually, python, skipped};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

const SMS: &str = "/cgi-bin/sendsms?username=u&password=p&from=115&to=%2B4917139200";

#[test]
fn kannel_takes_a_message_to_the_centre() {
    let Some(kannel) = Peer::start("kannel", 4) else { return };
    let taken = get(kannel.port(), &format!("{SMS}00&text=Stadt+offline")).unwrap();
    assert_eq!((taken.status, taken.text().as_str()), (202, "0: Accepted for delivery"));
    eventually("fakesmsc prints the message", || {
        kannel.read("fakesmsc.log").contains("Stadt offline").then_some(())
    });
    let refused = get(kannel.port(), "/cgi-bin/sendsms?username=u&password=x&to=1&text=x").unwrap();
    assert_eq!(refused.status, 403);
}

#[test]
fn kannel_keeps_what_the_centre_cannot_take_yet() {
    let Some(kannel) = Peer::start("kannel", 4) else { return };
    kannel.verb("cut", &[]);
    let queued = get(kannel.port(), &format!("{SMS}00&text=spaeter")).unwrap();
    assert_eq!(queued.status, 202);
    kannel.verb("join", &[&kannel.port().to_string()]);
    eventually("the message comes after all", || {
        kannel.read("fakesmsc.log").contains("spaeter").then_some(())
    });
}

#[test]
fn a_rejection_by_the_centre_comes_back_as_a_receipt() {
    let Some(centre) = Peer::start("smpp", 1) else { return };
    std::fs::write(centre.dir().join("rules.json"), r#"{"receipt": "UNDELIV"}"#).unwrap();
    let port = centre.port().to_string();
    let Some(kannel) = Peer::start_with("kannel", 4, &[], &[("SMPP_PORT", &port)]) else {
        return;
    };
    let receipts = TcpListener::bind("127.0.0.1:0").unwrap();
    let back = receipts.local_addr().unwrap().port();
    // Kannel puts the number of the receipt's kind in place of %d.
    let call =
        format!("{SMS}01&text=x&dlr-mask=31&dlr-url=http%3A%2F%2F127.0.0.1%3A{back}%2Freceipts%2Fsms%3Fkind%3D%25d");
    assert_eq!(get(kannel.port(), &call).unwrap().status, 202);
    // 8: taken by the centre; then 2: not delivered.
    let kinds: Vec<String> = (0..2).map(|_| answer_one(&receipts)).collect();
    assert!(kinds.iter().any(|line| line.contains("kind=2 ")), "{kinds:?}");
    assert!(centre.read("sms.jsonl").contains("4917139200"));
}

/// Takes one request, answers 200, gives the request line.
fn answer_one(server: &TcpListener) -> String {
    let (mut stream, _) = server.accept().unwrap();
    let mut head = [0; 4096];
    let n = stream.read(&mut head).unwrap();
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .unwrap();
    String::from_utf8_lossy(&head[..n])
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn mastodon_keeps_its_books_over_a_restart_and_one_post_per_key() {
    let Some(mastodon) = Peer::start("mastodon", 1) else {
        return;
    };
    let instance = get(mastodon.port(), "/api/v2/instance").unwrap().json();
    assert!(
        instance["configuration"]["statuses"]["max_characters"].is_u64(),
        "{instance}"
    );
    let toot = |status: &str| {
        let headers = [
            ("Authorization", "Bearer mock_token"),
            ("Content-Type", "application/json"),
            ("Idempotency-Key", "k1"),
        ];
        let body = format!(r#"{{"status": "{status}"}}"#);
        let reply = post(mastodon.port(), "/api/v1/statuses", &headers, body.as_bytes()).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["id"].as_str().unwrap().to_owned()
    };
    let id = toot("Die IT ist abgeschaltet");
    assert_eq!(id, toot("Die IT ist abgeschaltet"));
    mastodon.stop();
    assert!(get(mastodon.port(), "/api/v2/instance").is_err());
    mastodon.start_again();
    let kept = get(mastodon.port(), &format!("/api/v1/statuses/{id}")).unwrap();
    assert!(kept.text().contains("Die IT ist abgeschaltet"), "{}", kept.text());
}

/// What the sftp program says after these commands, and whether it was content.
fn sftp(peer: &Peer, login: &[&str], user: &str, commands: &str) -> (bool, String) {
    let mut child = Command::new("sftp")
        .args([
            "-P",
            &peer.port().to_string(),
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "NumberOfPasswordPrompts=1",
        ])
        .args([
            "-o",
            &format!("UserKnownHostsFile={}", peer.dir().join("known_hosts").display()),
        ])
        .args(login)
        .args(["-b", "-", &format!("{user}@127.0.0.1")])
        .env("SSH_ASKPASS_REQUIRE", "force")
        .env("SSH_ASKPASS", peer.dir().join("askpass"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A refused login closes the pipe early; what it says then is what counts.
    let _ = child.stdin.take().unwrap().write_all(commands.as_bytes());
    let done = child.wait_with_output().unwrap();
    (
        done.status.success(),
        String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned(),
    )
}

const UPLOAD: &str = "mkdir neu\nput index.html neu/index.html\nrename neu htdocs\nls -1 htdocs\n";

fn upload(peer: &Peer) -> String {
    let page = peer.dir().join("index.html");
    std::fs::write(&page, "<p>Stand").unwrap();
    UPLOAD.replace("put index.html", &format!("put {}", page.display()))
}

#[test]
fn sftp_takes_a_folder_by_key() {
    let Some(peer) = Peer::start("sftp", 1) else { return };
    let who = Command::new("id").arg("-un").output().unwrap();
    let user = String::from_utf8_lossy(&who.stdout).trim().to_owned();
    let key = peer.dir().join("id");
    let (content, said) = sftp(&peer, &["-i", key.to_str().unwrap()], &user, &upload(&peer));
    assert!(content && said.contains("htdocs/index.html"), "{said}");
    assert_eq!(peer.read("www/htdocs/index.html"), "<p>Stand");
}

#[test]
fn sftp_takes_a_folder_by_password_and_refuses_a_wrong_one() {
    use std::os::unix::fs::PermissionsExt;
    let Some(peer) = Peer::start("sftp_password", 1) else {
        return;
    };
    if Command::new("sftp").arg("-h").output().is_err() {
        return skipped("sftp not installed (Debian openssh-client)");
    }
    let says = |password: &str| {
        let askpass = peer.dir().join("askpass");
        std::fs::write(&askpass, format!("#!/bin/sh\necho {password}\n")).unwrap();
        std::fs::set_permissions(&askpass, std::fs::Permissions::from_mode(0o700)).unwrap();
    };
    // Batch mode switches questions off; the password comes from a program instead.
    let login = ["-o", "BatchMode=no", "-o", "PubkeyAuthentication=no"];
    says("falsch");
    let (content, said) = sftp(&peer, &login, "kommune", &upload(&peer));
    assert!(!content && said.contains("Permission denied"), "{said}");
    says("geheim");
    let (content, said) = sftp(&peer, &login, "kommune", &upload(&peer));
    assert!(content && said.contains("htdocs/index.html"), "{said}");
    assert_eq!(peer.read("www/htdocs/index.html"), "<p>Stand");
}

/// A server that answers every request with its line, and a proxy in front of it. The log counts what was worked.
fn behind_a_proxy() -> Option<(FaultProxy, std::sync::mpsc::Receiver<String>)> {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = FaultProxy::start(server.local_addr().unwrap().port())?;
    let (worked, log) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream: TcpStream = stream.unwrap();
            let worked = worked.clone();
            thread::spawn(move || {
                let mut head = [0; 4096];
                while let Ok(n) = stream.read(&mut head) {
                    let line = String::from_utf8_lossy(&head[..n])
                        .lines()
                        .next()
                        .unwrap_or_default()
                        .to_owned();
                    if n == 0 || worked.send(line).is_err() {
                        break;
                    }
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
                    if !head[..n].windows(10).any(|w| w == b"keep-alive") {
                        break;
                    }
                }
            });
        }
    });
    Some((proxy, log))
}

#[test]
fn faultproxy_passes_refuses_and_passes_again() {
    let Some((proxy, worked)) = behind_a_proxy() else {
        return;
    };
    assert_eq!(get(proxy.port(), "/a").unwrap().text(), "0123456789");
    proxy.mode("refuse x2");
    assert!(get(proxy.port(), "/b").is_err());
    assert!(get(proxy.port(), "/c").is_err());
    assert_eq!(get(proxy.port(), "/d").unwrap().status, 200);
    assert_eq!(
        worked.try_iter().collect::<Vec<_>>(),
        ["GET /a HTTP/1.0", "GET /d HTTP/1.0"]
    );
    assert_eq!(proxy.log_lines(), ["pass", "refuse", "refuse", "pass"]);
}

#[test]
fn faultproxy_loses_the_answer_after_the_work() {
    let Some((proxy, worked)) = behind_a_proxy() else {
        return;
    };
    proxy.mode("lose-answer x1");
    assert!(get(proxy.port(), "/a").is_err());
    assert_eq!(worked.recv().unwrap(), "GET /a HTTP/1.0");
    assert_eq!(get(proxy.port(), "/b").unwrap().status, 200);
}

#[test]
fn faultproxy_cuts_answers_and_requests() {
    let Some((proxy, worked)) = behind_a_proxy() else {
        return;
    };
    proxy.mode("cut-answer 20 x1");
    assert!(get(proxy.port(), "/a").is_err());
    assert_eq!(worked.recv().unwrap(), "GET /a HTTP/1.0");
    proxy.mode("cut-request 3 x1");
    assert!(get(proxy.port(), "/b").is_err());
    assert_ne!(worked.try_recv().unwrap_or_default(), "GET /b HTTP/1.0");
    proxy.mode("slow 1");
    assert_eq!(get(proxy.port(), "/c").unwrap().text(), "0123456789");
}

#[test]
fn faultproxy_hangs_until_the_client_gives_up_or_it_is_cut() {
    let Some((proxy, worked)) = behind_a_proxy() else {
        return;
    };
    proxy.mode("hang");
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    stream.write_all(b"GET /a HTTP/1.0\r\n\r\n").unwrap();
    eventually("the proxy took the connection", || {
        (proxy.log_lines() == ["hang"]).then_some(())
    });
    proxy.cut();
    assert!(stream.read(&mut [0; 1]).is_err(), "reset, not an orderly end");
    assert!(worked.try_recv().is_err(), "the target never heard of it");
}

#[test]
fn faultproxy_answers_in_a_services_own_words() {
    let Some((proxy, worked)) = behind_a_proxy() else {
        return;
    };
    proxy.answer(503, &[("Content-Type", "text/html")], "<html><h1>Wartung</h1></html>");
    let reply = post(proxy.port(), "/a", &[], b"body").unwrap();
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (503, "<html><h1>Wartung</h1></html>")
    );
    assert_eq!(reply.header("content-type"), Some("text/html"));

    let limit = [
        ("X-RateLimit-Reset", "{+60}"),
        ("X-RateLimit-Remaining", "0"),
        ("X-Reset-Seconds", "{@60}"),
    ];
    proxy.answer(429, &limit, r#"{"error":"Too many requests"}"#);
    let reply = get(proxy.port(), "/b").unwrap();
    assert_eq!((reply.status, reply.header("x-ratelimit-remaining")), (429, Some("0")));
    let reset: jiff::Timestamp = reply.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert_eq!(
        reply.header("x-reset-seconds"),
        Some(reset.as_second().to_string().as_str())
    );

    proxy.mode("http 429 7");
    assert_eq!(get(proxy.port(), "/c").unwrap().header("retry-after"), Some("7"));
    assert!(worked.try_recv().is_err(), "the target is never asked");
}

#[test]
fn a_change_of_mode_reaches_a_pooled_connection() {
    let Some((proxy, _worked)) = behind_a_proxy() else {
        return;
    };
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    let mut answer = [0; 4096];
    stream
        .write_all(b"GET /a HTTP/1.1\r\nConnection: keep-alive\r\n\r\n")
        .unwrap();
    let mut seen = String::new();
    while !seen.ends_with("0123456789") {
        let n = stream.read(&mut answer).unwrap();
        seen += &String::from_utf8_lossy(&answer[..n]);
    }
    proxy.mode("refuse");
    assert_eq!(
        stream.read(&mut answer).unwrap(),
        0,
        "closed in an orderly way while it rests"
    );
    assert!(send(proxy.port(), "GET", "/b", &[], b"").is_err());
}

#[test]
fn a_peer_ends_with_its_test() {
    let Some(proxy) = FaultProxy::start(1) else { return };
    let port = proxy.port();
    drop(proxy);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn python_has_the_readers() {
    if !python().exists() {
        return skipped("target/peers/venv is not there (tests/setup makes it)");
    }
    let read = "import feedparser, jsonschema; print(feedparser.parse('<rss version=\"2.0\"><channel><title>T</title></channel></rss>').feed.title)";
    let done = Command::new(python()).args(["-c", read]).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "T\n",
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[test]
fn the_browser_finds_planted_faults() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    thread::spawn(move || {
        // A thread each: browsers open connections ahead of need and leave them silent.
        for stream in server.incoming() {
            thread::spawn(move || page(&mut stream.unwrap()));
        }
    });
    browser::run("smoke.mjs", &url, &[]);
}

fn page(stream: &mut TcpStream) {
    let mut head = [0; 4096];
    let n = stream.read(&mut head).unwrap_or(0);
    let page = if head[..n].starts_with(b"GET /sound") {
        SOUND
    } else {
        FAULTY
    };
    let kind = "Content-Type: text/html; charset=utf-8\r\nConnection: close";
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\n{kind}\r\nContent-Length: {}\r\n\r\n{page}",
        page.len()
    );
}

const SOUND: &str = "<!doctype html><html lang=de><meta name=viewport content='width=device-width'><title>Stand</title>
<style>:root { color-scheme: light dark }</style><main><h1>Stand</h1><p id=by-script>as it came</p></main>
<script>document.getElementById('by-script').textContent = 'changed'</script></html>";
const FAULTY: &str = "<!doctype html><html><title>x</title><main><h1>Stand</h1><img src=data:, width=2000 height=9>
<p style='color: #999; background: #fff'>blass</p></main></html>";
