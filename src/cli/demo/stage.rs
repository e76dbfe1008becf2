//! The throw-away folder, its configuration, and this program as a child in it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::{Child, ChildStdin, Command};

use serde_json::Value;

use super::MARK;
use super::board::Status;
use super::folder::Folder;
use super::people::{self, CANARY, INCIDENT};
use crate::clock::{self, Ms, pretend};
use crate::sandbox::{Sandbox, get_body, get_status, kannel, mastodon, webhook};

/// Where the mail server puts what comes back.
const RETURNS: &str = "zurueck";
/// Store, key and lock.
const DATA: &str = "data";
/// Until `serve` answers.
const START: Duration = Duration::from_secs(30);
/// Until a `serve` that was asked to end has ended; it lets requests in flight end within 25 s.
const END: Duration = Duration::from_secs(30);
/// Until a command ends; `publish --wait` itself ends after 30 s.
const COMMAND: Duration = Duration::from_secs(60);

/// Everything of one demo that lies on the disk or runs as a process. What runs ends before the folder goes.
pub(super) struct Stage {
    serving: Option<Running>,
    /// When the day of now began, ms.
    began_ms: Ms,
    program: PathBuf,
    public: SocketAddr,
    folder: Folder,
}

/// A child and its standard input: it ends when this end of the pipe closes, so it cannot outlive a demo that is killed.
struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Stage {
    /// Writes configuration, audiences and notices; mails go at this rate.
    pub(super) fn build(sandbox: &Sandbox, rate: &str) -> anyhow::Result<Self> {
        let folder = Folder::make()?;
        let (public, admin) = free_ports()?;
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
        };
        write("channels.toml", &configuration(sandbox, public, admin, rate))?;
        write("presse.csv", &people::press_list())?;
        write("verteiler.csv", &people::mailing_list())?;
        for (n, notice) in people::notices().iter().enumerate() {
            write(&notice_name(n + 1), notice)?;
        }
        let returns = folder.path().join(RETURNS);
        for part in ["tmp", "new", "cur"] {
            let part = returns.join(part);
            std::fs::create_dir_all(&part).with_context(|| format!("{} cannot be made", part.display()))?;
        }
        let data = folder.path().join(DATA);
        std::fs::create_dir(&data).with_context(|| format!("{} cannot be made", data.display()))?;
        write(
            &format!("{DATA}/{MARK}"),
            "Data of `rundruf demo`, whose clock is set.\n",
        )?;
        sandbox
            .mail
            .knows(people::mailboxes().into_iter().chain([CANARY.to_owned()]));
        sandbox.mail.sends_back_to(&returns);
        Ok(Self {
            serving: None,
            began_ms: 0,
            program: std::env::current_exe().context("this program does not know where it lies")?,
            public,
            folder,
        })
    }

    /// Address of the page that citizens see.
    pub(super) fn site_url(&self) -> String {
        format!("http://{}/", self.public)
    }

    /// Starts `serve` and waits until it is ready.
    async fn serve(&mut self) -> anyhow::Result<()> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())
            .context("the log of serve cannot be written")?;
        let mut command = self.command(&["serve"]);
        let running = Running::start(command.stdout(Stdio::null()).stderr(log));
        let running = self.serving.insert(running.context("serve cannot be started")?);
        let ready = url::Url::parse(&format!("http://{}/readyz", self.public))?;
        let answered = async {
            while !matches!(get_status(&ready).await, Ok(200)) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let in_time = tokio::select! {
            ended = running.child.wait() => {
                let ended = ended?;
                bail!("serve ended: {ended}\n{}", self.last_words());
            }
            in_time = tokio::time::timeout(START, answered) => in_time,
        };
        if in_time.is_err() {
            bail!(
                "serve was not ready within {} s\n{}",
                START.as_secs(),
                self.last_words()
            );
        }
        Ok(())
    }

    /// Another day, for this demo and everything it starts from now on. A `serve` of the day before ends in order; another one starts.
    pub(super) async fn day(&mut self, now: &str) -> anyhow::Result<()> {
        self.end().await?;
        let now: jiff::Timestamp = now.parse().context("a day of the demo is no time")?;
        self.began_ms = now.as_millisecond();
        pretend(self.began_ms);
        self.serve().await
    }

    pub(super) fn is_serving(&self) -> bool {
        self.serving.is_some()
    }

    /// True of a time since the day of now began.
    pub(super) fn is_of_today(&self, at_ms: Option<Ms>) -> bool {
        at_ms.is_some_and(|at_ms| at_ms >= self.began_ms)
    }

    /// SIGTERM: what is in flight ends.
    async fn end(&mut self) -> anyhow::Result<()> {
        let Some(mut running) = self.serving.take() else {
            return Ok(());
        };
        let id = running.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(id) = id.and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(id, rustix::process::Signal::TERM)
                .context("serve could not be asked to end")?;
        }
        let ended = tokio::time::timeout(END, running.child.wait()).await;
        let ended = ended.with_context(|| format!("serve did not end\n{}", self.last_words()))??;
        if !ended.success() {
            bail!("serve ended: {ended}\n{}", self.last_words());
        }
        Ok(())
    }

    /// `kill -9`: no goodbye, no last commit.
    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut running) = self.serving.take() {
            running.child.kill().await.context("serve could not be killed")?;
        }
        Ok(())
    }

    /// Ends `serve` and removes the folder.
    pub(super) async fn stop(mut self) {
        // It may have ended already.
        let _ = self.kill().await;
    }

    /// Publishes a notice of the case, as a person would.
    pub(super) async fn publish(&self, number: usize) -> anyhow::Result<()> {
        self.run(&["publish", &notice_name(number), "--yes"]).await.map(|_| ())
    }

    /// Notices that the public page has, of the first `notices`; asked over HTTP, as a browser would.
    pub(super) async fn on_the_page(&self, notices: usize) -> anyhow::Result<usize> {
        let mut there = 0;
        for number in 1..=notices {
            let page = url::Url::parse(&format!("http://{}/potsdam/{INCIDENT}/{number}/", self.public))?;
            there += usize::from(matches!(get_status(&page).await, Ok(200)));
        }
        Ok(there)
    }

    /// The state that the public page gives the incident, in the words of the contract.
    pub(super) async fn page_state(&self) -> Option<String> {
        let state = url::Url::parse(&format!("http://{}/potsdam/state.json", self.public)).ok()?;
        let state: Value = serde_json::from_str(&get_body(&state).await.ok()?).ok()?;
        state["incidents"][0]["state"].as_str().map(str::to_owned)
    }

    /// The e-mail channel as `channel list` shows it.
    pub(super) async fn mail_lane(&self) -> anyhow::Result<Value> {
        let printed = self.run(&["channel", "list", "--json"]).await?;
        let json: Value = serde_json::from_slice(&printed).context("channel list --json printed no JSON")?;
        let lanes = json["channels"].as_array().cloned().unwrap_or_default();
        let mail = lanes.into_iter().find(|lane| lane["name"] == "email");
        mail.context("channel list does not show the e-mail channel")
    }

    /// Lets the mails go.
    pub(super) async fn release_mail(&self) -> anyhow::Result<()> {
        self.run(&["channel", "release", "email", "--yes"]).await.map(|_| ())
    }

    /// What our board says.
    pub(super) async fn status(&self) -> anyhow::Result<Status> {
        let printed = self.run(&["status", "--json"]).await?;
        let json = serde_json::from_slice(&printed).context("status --json printed no JSON")?;
        Ok(Status::read(&json))
    }

    /// The end of what `serve` wrote, for when something went wrong.
    pub(super) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    async fn run(&self, words: &[&str]) -> anyhow::Result<Vec<u8>> {
        let name = words.join(" ");
        let mut command = self.command(words);
        let running = Running::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let Running { child, stdin } = running;
        let output = tokio::time::timeout(COMMAND, child.wait_with_output()).await;
        drop(stdin);
        let output = output.with_context(|| format!("`{name}` took too long"))??;
        if !output.status.success() {
            bail!(
                "`{name}` ended with {}\n{}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(output.stdout)
    }

    fn command(&self, words: &[&str]) -> Command {
        let folder: &Path = self.folder.path();
        let mut command = Command::new(&self.program);
        command
            .arg("--config")
            .arg(folder.join("channels.toml"))
            .arg("--data")
            .arg(folder.join(DATA))
            .arg("--until-stdin-ends")
            .arg("--clock-ahead")
            .arg(clock::ahead().to_string())
            .args(words)
            .current_dir(folder)
            .stdin(Stdio::piped())
            // Ctrl-C is for the demo, which then ends its children in order.
            .process_group(0)
            .kill_on_drop(true);
        // The demo reads no configuration, not even from the environment.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("RUNDRUF__") {
                command.env_remove(name);
            }
        }
        command
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("serve.log")
    }
}

impl Running {
    fn start(command: &mut Command) -> std::io::Result<Self> {
        let mut child = command.spawn()?;
        // Taken out, because waiting for a child closes what is left in it.
        let stdin = child.stdin.take();
        Ok(Self { child, stdin })
    }
}

fn notice_name(number: usize) -> String {
    format!("meldung-{number}.toml")
}

/// Two ports that are free now. They could be taken before `serve` binds them; then it says so and the demo ends.
fn free_ports() -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let bind = || std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let (one, other) = (bind()?, bind()?);
    Ok((one.local_addr()?, other.local_addr()?))
}

fn configuration(sandbox: &Sandbox, public: SocketAddr, admin: SocketAddr, rate: &str) -> String {
    format!(
        r#"# Written by `rundruf demo`; gone when it ends.
[site]
url = "http://{public}"
[serve]
listen = "{public}"
admin_listen = "{admin}"

[publisher.potsdam]
name = "Landeshauptstadt Potsdam (Vorführung)"
languages = ["de", "de-simple", "en"]
timezone = "Europe/Berlin"
phone = "115"

[channel.website]
kind = "website"
targets = ["file:public"]

[channel.mastodon]
kind = "mastodon"
url = "{mastodon}"
token = "{token}"

[channel.sms]
kind = "kannel"
url = "{kannel}"
username = "{user}"
password = "{password}"
from = "{from}"
audience = {{ file = "presse.csv" }}

[channel.email]
kind = "email"
server = "127.0.0.1"
port = {mail}
tls = "none"
from = "Landeshauptstadt Potsdam <info@potsdam.example>"
audience = {{ file = "verteiler.csv" }}
bounces = "bounce@potsdam.example"
bounces_folder = "{RETURNS}"
canary = "{CANARY}"
gate = "held"
catch_up = "digest"
release = {{ probe = "smtp", then = "propose", good = 1, ramp = {{ start = "{rate}", double = "10m" }} }}

[channel.webhook]
kind = "webhook"
url = "{webhook}/nachbarkreis"
secret = "{secret}"
"#,
        mastodon = sandbox.mastodon.url(),
        token = mastodon::TOKEN,
        kannel = sandbox.kannel.url(),
        user = kannel::USER,
        password = kannel::PASSWORD,
        from = kannel::FROM,
        mail = sandbox.mail.port(),
        webhook = sandbox.webhook.url(),
        secret = webhook::SECRET,
    )
}
