//! A mail server (RFC 5321) behind a port that can be taken away: the relay and, for whoever watches, all mailboxes behind it.
//!
//! No TLS and no login: it stands on this machine only. It takes mail for the mailboxes it knows, keeps books of every mail by its
//! recipient, and sends back what it cannot bring on.

mod desk;
mod letter;
mod reply;
mod session;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::books::Books;
use super::free_port;
use super::provider::BookKeeper;
use crate::clock::SharedClock;
use desk::{At, FailsAfter, Rules};
use reply::Reply;
use session::{Next, Session};

/// How it calls itself.
pub const HOST: &str = "mx.sandbox.example";

/// Sessions at the same time; many a provider allows no more.
const SESSIONS: usize = 50;
/// A step as RFC 5321, 4.5.3.2.7 has it.
const PATIENCE: Patience = Patience {
    step: Duration::from_secs(300),
    session: Duration::from_secs(3_600),
};

/// How long it waits.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For a line, and until an answer is out.
    step: Duration,
    /// For the end of a session, however lively it is.
    session: Duration,
}

/// The server.
pub struct Mail {
    addr: SocketAddr,
    inside: Inside,
    listening: tokio::sync::Mutex<Option<Listening>>,
    up: Arc<watch::Sender<bool>>,
}

/// What every session works with.
#[derive(Clone)]
struct Inside {
    rules: Arc<Mutex<Rules>>,
    keeper: BookKeeper,
    clock: SharedClock,
}

/// The open port and its sessions; they end with it.
struct Listening(tokio::task::JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the page may look at.
#[derive(Clone)]
pub(super) struct MailView {
    pub(super) keeper: BookKeeper,
    rules: Arc<Mutex<Rules>>,
    up: Arc<watch::Sender<bool>>,
}

impl MailView {
    pub(super) fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    /// What is wrong with it, German and English.
    pub(super) fn trouble(&self) -> Option<[&'static str; 2]> {
        let rules = lock(&self.rules);
        match (rules.cut_off, rules.undeliverable.is_some(), rules.greylisting) {
            (true, ..) => Some(["kommt nicht nach draußen", "has no way to the outside"]),
            (_, true, _) => Some(["gestört: Mail kommt zurück", "faulty: mail comes back"]),
            (.., Some(_)) => Some(["lässt Unbekannte warten", "makes strangers wait"]),
            _ => None,
        }
    }

    /// It has mailboxes, or somebody asked it something: it is part of what is shown.
    pub(super) fn is_used(&self) -> bool {
        !lock(&self.rules).known.is_empty() || !self.keeper.look(Books::is_empty)
    }
}

impl Mail {
    pub(super) async fn start(clock: SharedClock) -> std::io::Result<Self> {
        let mail = Self {
            addr: free_port(),
            inside: Inside {
                rules: Arc::default(),
                keeper: BookKeeper::default(),
                clock,
            },
            listening: tokio::sync::Mutex::default(),
            up: Arc::new(watch::Sender::new(false)),
        };
        let port = TcpListener::bind(mail.addr).await?;
        let addr = port.local_addr()?;
        let mail = Self { addr, ..mail };
        mail.listen(port).await;
        Ok(mail)
    }

    /// Its port on 127.0.0.1, the same after every start.
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Closes the port: connections are refused, open ones cut.
    pub async fn stop(&self) {
        if let Some(listening) = self.listening.lock().await.take() {
            self.up.send_replace(false);
            listening.0.abort();
            // Its port is closed when it is gone.
            while !listening.0.is_finished() {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Opens the same port again; it remembers everything.
    pub async fn start_again(&self) -> std::io::Result<()> {
        if self.listening.lock().await.is_none() {
            let port = crate::sandbox::once_free(|| TcpListener::bind(self.addr)).await?;
            self.listen(port).await;
        }
        Ok(())
    }

    async fn listen(&self, port: TcpListener) {
        let serving = tokio::spawn(serve(port, self.inside.clone()));
        *self.listening.lock().await = Some(Listening(serving));
        self.up.send_replace(true);
    }

    /// From now on it knows these mailboxes and no others.
    pub fn knows(&self, mailboxes: impl IntoIterator<Item = String>) {
        self.rules().known = mailboxes.into_iter().map(|to| to.to_ascii_lowercase()).collect();
    }

    /// What comes back to its senders lies in this Maildir.
    pub fn sends_back_to(&self, maildir: &Path) {
        self.rules().returns = Some(maildir.to_owned());
    }

    /// A recipient's first mail has to wait so long (greylisting).
    pub fn greylist(&self, wait: Duration) {
        self.rules().greylisting = Some(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
    }

    /// Takes mail for this mailbox and sends it back.
    pub fn bounce(&self, mailbox: &str) {
        self.rules().undeliverable = Some(mailbox.to_owned());
    }

    /// Once it has taken so many mails, nothing gets out any more: it puts off everybody, and what was on its way to the mailbox `probe`
    /// comes back. Mails to `probe` are not counted.
    pub fn fail_after(&self, mails: usize, probe: &str) {
        self.rules().fails_after = Some(FailsAfter {
            mails,
            probe: probe.to_owned(),
        });
    }

    /// No more faults.
    pub fn heal(&self) {
        let mut rules = self.rules();
        (rules.greylisting, rules.undeliverable, rules.fails_after) = (None, None, None);
        rules.cut_off = false;
    }

    /// A copy of the books now.
    pub fn books(&self) -> Books {
        self.inside.keeper.copy()
    }

    /// Waits until the books are as asked.
    pub async fn until(&self, wanted: impl Fn(&Books) -> bool) -> Books {
        self.inside.keeper.until(wanted).await
    }

    pub(super) fn view(&self) -> MailView {
        MailView {
            keeper: self.inside.keeper.clone(),
            rules: Arc::clone(&self.inside.rules),
            up: Arc::clone(&self.up),
        }
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        lock(&self.inside.rules)
    }
}

async fn serve(port: TcpListener, inside: Inside) {
    let mut sessions = JoinSet::new();
    loop {
        let Ok((stream, _)) = port.accept().await else {
            // Out of file handles: the next one may be free.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        while sessions.try_join_next().is_some() {}
        let full = sessions.len() >= SESSIONS;
        let (reading, writing) = stream.into_split();
        sessions.spawn(converse(reading, writing, inside.clone(), PATIENCE, full));
    }
}

/// One session; whoever hangs up ends it.
async fn converse(
    reading: impl AsyncRead + Unpin,
    mut writing: impl AsyncWrite + Unpin,
    inside: Inside,
    patience: Patience,
    full: bool,
) -> std::io::Result<()> {
    if full {
        let busy = Reply::new(421, "4.7.0", "too many connections");
        return say(&mut writing, &busy, patience).await;
    }
    let talk = talk(BufReader::new(reading), &mut writing, &inside, patience);
    match tokio::time::timeout(patience.session, talk).await {
        Ok(ended) => ended,
        Err(_) => {
            let enough = Reply::new(421, "4.4.2", "session too long, closing connection");
            say(&mut writing, &enough, patience).await
        }
    }
}

async fn talk(
    mut reading: impl AsyncBufRead + Unpin,
    writing: &mut (impl AsyncWrite + Unpin),
    inside: &Inside,
    patience: Patience,
) -> std::io::Result<()> {
    say(writing, &Reply::bare(220, &format!("{HOST} ESMTP")), patience).await?;
    let mut session = Session::default();
    loop {
        let next = match tokio::time::timeout(patience.step, line(&mut reading, session.longest())).await {
            Ok(Ok(Some(Line::Whole(line)))) => inside.hears(&mut session, &line),
            Ok(Ok(Some(Line::TooLong))) => session.too_long(),
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => Next::Part(Reply::new(421, "4.4.2", "timeout, closing connection")),
        };
        match next {
            Next::Listen => {}
            Next::Say(reply) => say(writing, &reply, patience).await?,
            Next::Part(reply) => return say(writing, &reply, patience).await,
        }
    }
}

/// Whoever does not take an answer is not waited for.
async fn say(writing: &mut (impl AsyncWrite + Unpin), reply: &Reply, patience: Patience) -> std::io::Result<()> {
    tokio::time::timeout(patience.step, writing.write_all(reply.wire().as_bytes())).await?
}

impl Inside {
    fn hears(&self, session: &mut Session, line: &[u8]) -> Next {
        let (next, post) = {
            let (mut rules, now) = (lock(&self.rules), self.clock.now_ms());
            let mut desk = At {
                rules: &mut rules,
                keeper: &self.keeper,
                now,
            };
            (session.line(line, &mut desk), std::mem::take(&mut rules.post))
        };
        // A disk may be slow: nobody waits for it but this session.
        for back in post {
            back.deliver(&self.keeper);
        }
        next
    }
}

/// A line with its ending.
enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// The next line; of one that is too long nothing is kept. `None`: the other side has hung up.
async fn line(reading: &mut (impl AsyncBufRead + Unpin), longest: usize) -> std::io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut limited = reading.take(longest as u64);
    limited.read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.ends_with(b"\n") {
        return Ok(Some(Line::Whole(line)));
    }
    if line.len() < longest {
        return Ok(None);
    }
    loop {
        line.clear();
        let mut rest = reading.take(longest as u64);
        if rest.read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        if line.ends_with(b"\n") {
            return Ok(Some(Line::TooLong));
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while it was held would be a failed test; what it holds stays readable.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
