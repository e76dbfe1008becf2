//! The program among counterparts that outlive it: the sandbox runs in the test's own process, so its books survive every kill.

use std::sync::Arc;
use std::time::Duration;

use rundruf::clock::SystemClock;
use rundruf::sandbox::{Sandbox, kannel, mastodon, webhook};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::TestApp;

/// When a test gives up waiting for a counterpart; a working program needs a small part of it.
const GIVE_UP: Duration = Duration::from_secs(90);

/// An installation and the counterparts it talks to.
pub struct Stage {
    /// The program.
    pub app: TestApp,
    /// The counterparts and their books.
    pub sandbox: Sandbox,
    runtime: Runtime,
}

impl Stage {
    /// Publishers as TOML; the channels follow from the sandbox's addresses.
    pub fn new(publishers: &str, channels: impl Fn(&Sandbox) -> String) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let sandbox = runtime.block_on(Sandbox::start(Arc::new(SystemClock), false)).unwrap();
        let app = TestApp::with_publishers(publishers, &channels(&sandbox));
        Self { app, sandbox, runtime }
    }

    /// Waits for something of the sandbox; panics with `what` when it never comes.
    pub fn wait<T>(&self, what: &str, future: impl Future<Output = T>) -> T {
        let bounded = async { tokio::time::timeout(GIVE_UP, future).await };
        self.runtime
            .block_on(bounded)
            .unwrap_or_else(|_| panic!("waited in vain: {what}\n{}", self.app.log()))
    }

    /// The gateway takes no connection any more.
    pub fn stop_kannel(&self) {
        self.wait("the gateway stops", self.sandbox.kannel.stop());
    }

    /// The gateway is back on its port, with its books.
    pub fn start_kannel(&self) {
        self.wait("the gateway starts", self.sandbox.kannel.start_again())
            .unwrap();
    }

    /// Texts that a phone got, oldest first.
    pub fn phone(&self, number: &str) -> Vec<String> {
        let books = self.sandbox.kannel.books();
        books
            .entries
            .into_iter()
            .filter(|e| e.to == number)
            .map(|e| e.text.to_string())
            .collect()
    }

    /// The bodies a path of the webhook receiver got, oldest first.
    pub fn calls(&self, path: &str) -> Vec<Value> {
        let books = self.sandbox.webhook.books();
        let of = books.entries.into_iter().filter(|e| e.to == path);
        of.map(|e| serde_json::from_str(&e.text).unwrap()).collect()
    }
}

/// `[channel.website]` to the folder `public`.
pub const WEBSITE: &str = "[channel.website]\nkind = \"website\"\ntargets = [\"file:public\"]\n";

/// `[channel.mastodon]`.
pub fn mastodon(sandbox: &Sandbox) -> String {
    let (url, token) = (sandbox.mastodon.url(), mastodon::TOKEN);
    format!("[channel.mastodon]\nkind = \"mastodon\"\nurl = \"{url}\"\ntoken = \"{token}\"\n")
}

/// `[channel.sms]` to the people of `presse.csv`, with further keys.
pub fn sms(sandbox: &Sandbox, more: &str) -> String {
    let url = sandbox.kannel.url();
    format!(
        "[channel.sms]\nkind = \"kannel\"\nurl = \"{url}\"\nusername = \"{}\"\npassword = \"{}\"\nfrom = \"{}\"\n\
         audience = {{ file = \"presse.csv\" }}\n{more}\n",
        kannel::USER,
        kannel::PASSWORD,
        kannel::FROM
    )
}

/// `[channel.webhook]` with `url` or `audience`.
pub fn webhook(receivers: &str) -> String {
    let secret = webhook::SECRET;
    format!("[channel.webhook]\nkind = \"webhook\"\nsecret = \"{secret}\"\n{receivers}\n")
}
