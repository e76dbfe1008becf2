//! Floor 5: fake providers for demo, drills and tests, with the services' rules in code of their own.
//!
//! A Mastodon server, a mail server, three SMS gateways (Kannel, seven, Vonage) and a receiver of webhooks on free ports of 127.0.0.1. They share
//! nothing with the channels that talk to them: lengths, segments and signatures are counted and mails are read here a second time, so
//! that one mistake cannot hide another. Each keeps [`books`] of what it accepted; [`page`] draws them. Faults come on demand ([`fault`]).

mod ask;
pub mod books;
pub mod fault;
mod http;
pub mod kannel;
mod kannel_reports;
pub mod mail;
pub mod mastodon;
mod mastodon_length;
mod page;
mod provider;
mod reports;
pub mod seven;
mod sms;
#[cfg(test)]
mod tests;
pub mod vonage;
pub mod webhook;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::SharedClock;
use crate::web::listen::{Limits, Listening};

/// Between two tries for a port that somebody else has.
const AGAIN: Duration = Duration::from_millis(100);

pub use ask::{get_body, get_status};
pub use provider::Provider;
pub use reports::Plan;

/// The providers and the page that shows them. Dropping it ends all of them at once.
pub struct Sandbox {
    /// A Mastodon server with one account; token [`mastodon::TOKEN`].
    pub mastodon: Provider<mastodon::Mastodon>,
    /// A mail server.
    pub mail: mail::Mail,
    /// An SMS gateway; user [`kannel::USER`], password [`kannel::PASSWORD`].
    pub kannel: Provider<kannel::Kannel>,
    /// An SMS gateway; key [`seven::KEY`], reports signed with [`seven::SIGNING`].
    pub seven: Provider<seven::Seven>,
    /// An SMS gateway that has to be described; key [`vonage::KEY`], secret [`vonage::SECRET`].
    pub vonage: Provider<vonage::Vonage>,
    /// A receiver of signed webhooks; secret [`webhook::SECRET`].
    pub webhook: Provider<webhook::Webhook>,
    page: Listening,
}

impl Sandbox {
    /// Starts everything; the page speaks German or English.
    pub async fn start(clock: SharedClock, german: bool) -> std::io::Result<Self> {
        let mastodon = Provider::start(Arc::new(mastodon::Mastodon::default()), clock.clone()).await?;
        let kannel = Provider::start(Arc::new(kannel::Kannel::new(clock.clone())), clock.clone()).await?;
        let seven = Provider::start(Arc::new(seven::Seven::new(clock.clone())), clock.clone()).await?;
        let vonage = Provider::start(Arc::new(vonage::Vonage::new(clock.clone())), clock.clone()).await?;
        let mail = mail::Mail::start(clock.clone()).await?;
        let webhook = Provider::start(Arc::new(webhook::Webhook), clock).await?;
        let shown = page::Shown {
            mastodon: mastodon.view(),
            mail: mail.view(),
            gateways: [
                ("kannel", "SMS", kannel.view()),
                ("seven", "SMS · seven", seven.view()),
                ("vonage", "SMS · Vonage", vonage.view()),
            ],
            webhook: webhook.view(),
            german,
        };
        let page = Listening::start(free_port(), Limits::default(), page::handler(shown)).await?;
        Ok(Self {
            mastodon,
            mail,
            kannel,
            seven,
            vonage,
            webhook,
            page,
        })
    }

    /// Address of the page that draws what was received.
    pub fn page_url(&self) -> String {
        format!("http://{}/", self.page.addr())
    }

    /// Ends everything in order.
    pub async fn stop(self) {
        tokio::join!(
            self.mastodon.stop(),
            self.mail.stop(),
            self.kannel.stop(),
            self.seven.stop(),
            self.vonage.stop(),
            self.webhook.stop(),
            self.page.stop(Duration::ZERO)
        );
    }
}

/// Nothing of the sandbox listens beyond this machine.
fn free_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// Opens a port again that was given up: another program's outgoing connection may have it for a moment, and so it is tried for half a
/// minute.
async fn once_free<T, F: Future<Output = std::io::Result<T>>>(open: impl Fn() -> F) -> std::io::Result<T> {
    for _ in 0..300 {
        match open().await {
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => tokio::time::sleep(AGAIN).await,
            other => return other,
        }
    }
    open().await
}
