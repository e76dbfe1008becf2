//! One SMTP session: connecting, TLS, login, and one mail after the other, so that it is always known at which step something
//! failed. Where the server allows it (PIPELINING, RFC 2920), sender, recipient and `DATA` go in one piece: two round trips a mail.

use std::future::Future;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use tokio::time::{Instant, timeout_at};

use super::reply::{Fault, Reply, Step};
use crate::net::in_words;
use crate::said;
use crate::secret::{ExposeSecret, SecretString};
use crate::text::said::Said;

/// Longest time for one address of the server to answer a connection; within the mail's own timeout.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest time for a polite end.
const QUIT: Duration = Duration::from_secs(2);

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protection {
    /// STARTTLS, required.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None.
    None,
}

/// The server and how to get in.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) protection: Protection,
    pub(super) tls: TlsParameters,
    pub(super) login: Option<(String, SecretString)>,
    /// How we introduce ourselves.
    pub(super) hello: String,
}

/// A mail as it goes over the wire.
pub(super) struct Parcel {
    pub(super) sender: Address,
    pub(super) recipient: Address,
    /// Head and body with dots doubled, and the final dot.
    pub(super) wire: String,
}

/// A session that can take a mail.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
    pipelining: bool,
    /// Mails taken in this session.
    pub(super) mails: u32,
    /// Nothing more can be sent: closed, or out of step.
    pub(super) over: bool,
}

impl Server {
    /// Connects, protects, logs in.
    pub(super) async fn connect(&self, deadline: Instant) -> Result<Session, Fault> {
        let hello = ClientId::Domain(self.hello.clone());
        let at_once = (self.protection == Protection::Tls).then(|| self.tls.clone());
        let address = (self.host.as_str(), self.port);
        let connect = AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT), &hello, at_once, None);
        let mut connection = within(deadline, Step::Connect, connect).await?;
        if self.protection == Protection::StartTls {
            within(deadline, Step::Connect, connection.starttls(self.tls.clone(), &hello)).await?;
        }
        // The list that lettre keeps has no PIPELINING; one more question a session.
        let offers = within(deadline, Step::Connect, connection.command(Ehlo::new(hello))).await?;
        let pipelining = offers.message().any(|line| line.eq_ignore_ascii_case("PIPELINING"));
        if let Some((user, password)) = &self.login {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            let ways = [Mechanism::Plain, Mechanism::Login];
            if connection.server_info().get_auth_mechanism(&ways).is_none() {
                return Err(Fault::NoLogin);
            }
            within(deadline, Step::Login, connection.auth(&ways, &credentials)).await?;
        }
        Ok(Session {
            connection,
            pipelining,
            mails: 0,
            over: false,
        })
    }
}

impl Session {
    /// Hands a mail over; the server's words when it has taken it.
    pub(super) async fn hand_over(&mut self, parcel: &Parcel, deadline: Instant) -> Result<Reply, Fault> {
        self.announce(parcel, deadline).await?;
        let taken = self.step(deadline, Step::End, parcel.wire.as_str()).await?;
        self.mails += 1;
        Ok(reply(&taken))
    }

    /// Sender, recipient and the question whether the mail may come.
    async fn announce(&mut self, parcel: &Parcel, deadline: Instant) -> Result<(), Fault> {
        let sender = Mail::new(Some(parcel.sender.clone()), Vec::new());
        let recipient = Rcpt::new(parcel.recipient.clone(), Vec::new());
        let go_ahead = if self.pipelining {
            let sender = self
                .step(deadline, Step::Sender, format!("{sender}{recipient}{Data}"))
                .await;
            if self.over {
                return sender.map(drop);
            }
            // Each command has its answer, whatever became of the one before; left unread, the next mail would take them for its own.
            let recipient = self.answer(deadline, Step::Recipient).await;
            let go_ahead = self.answer(deadline, Step::Data).await;
            // "Go ahead" after a refusal: only the end of the session keeps it from a mail without content.
            self.over |= go_ahead.is_ok() && (sender.is_err() || recipient.is_err());
            sender?;
            recipient?;
            go_ahead?
        } else {
            self.step(deadline, Step::Sender, sender).await?;
            self.step(deadline, Step::Recipient, recipient).await?;
            self.step(deadline, Step::Data, Data).await?
        };
        if go_ahead.has_code(354) {
            return Ok(());
        }
        self.over = true;
        Err(Fault::Lost(
            Step::Data,
            Said {
                de: format!("auf DATA kommt {}", go_ahead.code()),
                en: format!("it answers DATA with {}", go_ahead.code()),
            },
        ))
    }

    /// Asks whether our sender is welcome, and forgets it again; sends no mail.
    pub(super) async fn try_sender(&mut self, sender: &Address, deadline: Instant) -> Result<(), Fault> {
        self.step(deadline, Step::Sender, Mail::new(Some(sender.clone()), Vec::new()))
            .await?;
        self.reset(deadline).await;
        Ok(())
    }

    /// Forgets a refused mail, so that the session can take the next one.
    pub(super) async fn reset(&mut self, deadline: Instant) {
        if !self.over {
            self.over = self.step(deadline, Step::Sender, Rset).await.is_err();
        }
    }

    /// Says goodbye, where somebody still listens.
    pub(super) async fn quit(mut self) {
        if !self.over {
            // Nothing hangs on the answer.
            let _ = tokio::time::timeout(QUIT, self.connection.quit()).await;
        }
    }

    /// The certificate the server showed, in DER.
    pub(super) fn certificate(&self) -> Option<Vec<u8>> {
        self.connection.peer_certificate().ok()
    }

    async fn step(
        &mut self,
        deadline: Instant,
        step: Step,
        command: impl std::fmt::Display,
    ) -> Result<Response, Fault> {
        let answer = within(deadline, step, self.connection.command(command)).await;
        self.note(&answer);
        answer
    }

    async fn answer(&mut self, deadline: Instant, step: Step) -> Result<Response, Fault> {
        let answer = within(deadline, step, self.connection.read_response()).await;
        self.note(&answer);
        answer
    }

    /// 421 announces that the server hangs up (RFC 5321, 3.8).
    fn note(&mut self, answer: &Result<Response, Fault>) {
        self.over |= match answer {
            Ok(_) => false,
            Err(Fault::Refused(_, reply)) => reply.code == 421,
            Err(_) => true,
        };
    }
}

/// One exchange with the server, or why there was none.
async fn within<T>(
    deadline: Instant,
    step: Step,
    exchange: impl Future<Output = Result<T, smtp::Error>>,
) -> Result<T, Fault> {
    match timeout_at(deadline, exchange).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(fault(step, &error)),
        Err(_) => Err(Fault::Lost(
            step,
            said!("es kam rechtzeitig nichts", "nothing came in time"),
        )),
    }
}

fn fault(step: Step, error: &smtp::Error) -> Fault {
    match error.status() {
        Some(code) => {
            let text = std::error::Error::source(error)
                .map(ToString::to_string)
                .unwrap_or_default();
            Fault::Refused(
                step,
                Reply {
                    code: code.into(),
                    text,
                },
            )
        }
        None => Fault::Lost(step, in_words(error)),
    }
}

fn reply(response: &Response) -> Reply {
    Reply {
        code: response.code().into(),
        text: response.first_line().unwrap_or_default().to_owned(),
    }
}
