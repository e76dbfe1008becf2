//! One SMTP session as a state machine (RFC 5321): a line goes in, a reply comes out. Knows the protocol; what is taken is the [`Desk`]'s business.

use super::reply::Reply;

/// Longest command, its CRLF included (RFC 5321, 4.5.3.1.4).
pub(super) const COMMAND_OCTETS: usize = 512;
/// Longest line of a mail, its CRLF included (4.5.3.1.6).
pub(super) const TEXT_OCTETS: usize = 1000;
/// Longest part before the at sign, and longest domain (4.5.3.1.1, 4.5.3.1.2).
const LOCAL_OCTETS: usize = 64;
const DOMAIN_OCTETS: usize = 255;
/// Longest path, its brackets included (4.5.3.1.3).
const PATH_OCTETS: usize = 256;
/// Recipients of one mail; a server has to take as many (4.5.3.1.8).
const RECIPIENTS: usize = 100;
/// Largest mail, as many relays have it; announced by SIZE (RFC 1870).
pub(super) const MAIL_OCTETS: usize = 10_240_000;

/// Who is behind the session: whether senders, recipients and mails are taken.
pub(super) trait Desk {
    /// A mail of this size may be about to come.
    fn sender(&mut self) -> Result<(), Reply>;
    /// A mail of `sender` for `recipient`.
    fn recipient(&mut self, sender: &str, recipient: &str) -> Result<(), Reply>;
    /// The mail, its dots undoubled; answers with the number under which it was taken.
    fn take(&mut self, envelope: &Envelope, mail: &[u8]) -> Result<String, Reply>;
}

/// Sender (empty: nobody, a report of a mail server) and recipients.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    pub(super) sender: String,
    pub(super) recipients: Vec<String>,
    /// BODY=8BITMIME (RFC 6152).
    eight_bit: bool,
}

/// A mail that is coming in.
#[derive(Debug, Default)]
struct Content {
    mail: Vec<u8>,
    /// What has come, kept or not.
    octets: usize,
    /// What is wrong with it; said when it has ended.
    fault: Option<Reply>,
}

/// A session.
#[derive(Debug, Default)]
pub(super) struct Session {
    introduced: bool,
    envelope: Option<Envelope>,
    content: Option<Content>,
}

/// What a line leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// An answer.
    Say(Reply),
    /// Nothing: in the middle of a mail.
    Listen,
    /// An answer, and the end of the session.
    Part(Reply),
}

impl Session {
    /// Longest line now.
    pub(super) fn longest(&self) -> usize {
        if self.content.is_some() {
            TEXT_OCTETS
        } else {
            COMMAND_OCTETS
        }
    }

    /// A line longer than that has come, and was thrown away.
    pub(super) fn too_long(&mut self) -> Next {
        match &mut self.content {
            Some(content) => {
                content.fault = Some(Reply::new(554, "5.6.0", "a line has more than 1000 octets"));
                Next::Listen
            }
            None => Next::Say(Reply::new(500, "5.5.2", "line too long")),
        }
    }

    /// A line with its ending.
    pub(super) fn line(&mut self, line: &[u8], desk: &mut impl Desk) -> Next {
        let whole = line.strip_suffix(b"\r\n");
        let bare = whole.is_none_or(|line| line.contains(&b'\r'));
        if self.content.is_some() {
            return self.text(line, bare, desk);
        }
        let Some(command) = whole.filter(|_| !bare).and_then(|line| std::str::from_utf8(line).ok()) else {
            // What one server takes for the end of a line and another one does not is how mails are smuggled.
            return Next::Say(Reply::new(
                500,
                "5.5.2",
                "a command is one line of text and ends with CRLF",
            ));
        };
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        let rest = rest.trim();
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => Next::Say(self.hello(rest, true)),
            "HELO" => Next::Say(self.hello(rest, false)),
            "MAIL" => Next::Say(self.sender(rest, desk).unwrap_or_else(|refused| refused)),
            "RCPT" => Next::Say(self.recipient(rest, desk).unwrap_or_else(|refused| refused)),
            "DATA" => Next::Say(self.data(rest)),
            "RSET" => {
                self.envelope = None;
                Next::Say(Reply::new(250, "2.0.0", "Ok"))
            }
            "NOOP" => Next::Say(Reply::new(250, "2.0.0", "Ok")),
            "VRFY" => Next::Say(Reply::new(252, "2.0.0", "send some mail, I'll try my best")),
            "QUIT" => Next::Part(Reply::new(221, "2.0.0", "Bye")),
            _ => Next::Say(Reply::new(500, "5.5.2", "command unrecognised")),
        }
    }

    fn hello(&mut self, who: &str, extended: bool) -> Reply {
        let literal = who.starts_with('[') && who.ends_with(']');
        if !literal && !is_domain(who) {
            return Reply::new(501, "5.5.4", "who are you? a domain or an address in brackets");
        }
        self.introduced = true;
        self.envelope = None;
        if !extended {
            return Reply::bare(250, super::HOST);
        }
        Reply {
            code: 250,
            lines: vec![
                super::HOST.to_owned(),
                "PIPELINING".to_owned(),
                format!("SIZE {MAIL_OCTETS}"),
                "ENHANCEDSTATUSCODES".to_owned(),
                "8BITMIME".to_owned(),
            ],
        }
    }

    fn sender(&mut self, rest: &str, desk: &mut impl Desk) -> Result<Reply, Reply> {
        if !self.introduced {
            return Err(Reply::new(503, "5.5.1", "say EHLO first"));
        }
        if self.envelope.is_some() {
            return Err(Reply::new(503, "5.5.1", "nested MAIL command"));
        }
        let (sender, parameters) = path(rest, "FROM:")?;
        if !sender.is_empty() && !is_address(sender) {
            return Err(Reply::new(553, "5.1.7", "bad sender address syntax"));
        }
        let mut eight_bit = false;
        for parameter in parameters.split_ascii_whitespace() {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name.to_ascii_uppercase().as_str() {
                "SIZE" => match value.parse::<usize>() {
                    Ok(octets) if octets > MAIL_OCTETS => return Err(too_large()),
                    Ok(_) => {}
                    Err(_) => return Err(Reply::new(501, "5.5.4", "SIZE is a number")),
                },
                "BODY" => match value.to_ascii_uppercase().as_str() {
                    "7BIT" => {}
                    "8BITMIME" => eight_bit = true,
                    _ => return Err(Reply::new(501, "5.5.4", "BODY is 7BIT or 8BITMIME")),
                },
                _ => return Err(Reply::new(555, "5.5.4", "unsupported parameter")),
            }
        }
        desk.sender()?;
        self.envelope = Some(Envelope {
            sender: sender.to_owned(),
            eight_bit,
            ..Envelope::default()
        });
        Ok(Reply::new(250, "2.1.0", "Ok"))
    }

    fn recipient(&mut self, rest: &str, desk: &mut impl Desk) -> Result<Reply, Reply> {
        let Some(envelope) = &mut self.envelope else {
            return Err(Reply::new(503, "5.5.1", "need MAIL command"));
        };
        let (recipient, parameters) = path(rest, "TO:")?;
        if !parameters.is_empty() {
            return Err(Reply::new(555, "5.5.4", "unsupported parameter"));
        }
        if !is_address(recipient) {
            return Err(Reply::new(553, "5.1.3", "bad recipient address syntax"));
        }
        if envelope.recipients.len() == RECIPIENTS {
            return Err(Reply::new(452, "4.5.3", "too many recipients"));
        }
        desk.recipient(&envelope.sender, recipient)?;
        envelope.recipients.push(recipient.to_owned());
        Ok(Reply::new(250, "2.1.5", "Ok"))
    }

    fn data(&mut self, rest: &str) -> Reply {
        match &self.envelope {
            _ if !rest.is_empty() => Reply::new(501, "5.5.4", "DATA stands alone"),
            None => Reply::new(503, "5.5.1", "need MAIL command"),
            Some(envelope) if envelope.recipients.is_empty() => Reply::new(554, "5.5.1", "no valid recipients"),
            Some(_) => {
                self.content = Some(Content::default());
                Reply::bare(354, "End data with <CR><LF>.<CR><LF>")
            }
        }
    }

    fn text(&mut self, line: &[u8], bare: bool, desk: &mut impl Desk) -> Next {
        let (Some(content), Some(envelope)) = (&mut self.content, &self.envelope) else {
            return Next::Listen;
        };
        if line != b".\r\n" {
            if bare {
                content.fault = Some(Reply::new(554, "5.6.0", "a line ends with CRLF and with nothing else"));
            }
            if !envelope.eight_bit && !line.is_ascii() {
                content.fault = Some(Reply::new(554, "5.6.3", "8-bit text needs BODY=8BITMIME"));
            }
            content.octets += line.len();
            if content.octets > 2 * MAIL_OCTETS {
                return Next::Part(Reply::new(421, "4.3.4", "message far too large, closing connection"));
            }
            if content.octets > MAIL_OCTETS {
                // Whoever sends a mail does not listen before its end: what is somewhat too large is read to its end, and not kept.
                content.fault = Some(too_large());
            }
            if content.fault.is_some() {
                content.mail = Vec::new();
            } else {
                // A dot in front of a line was doubled by whoever sent it (4.5.2).
                content.mail.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
            }
            return Next::Listen;
        }
        let (content, envelope) = (self.content.take(), self.envelope.take());
        let (content, envelope) = (content.unwrap_or_default(), envelope.unwrap_or_default());
        let taken = match content.fault {
            Some(fault) => Err(fault),
            None => desk.take(&envelope, &content.mail),
        };
        Next::Say(match taken {
            Ok(number) => Reply::new(250, "2.0.0", &format!("Ok: queued as {number}")),
            Err(refused) => refused,
        })
    }
}

fn too_large() -> Reply {
    Reply::new(552, "5.3.4", "message size exceeds fixed limit")
}

/// `FROM:<path> parameters`.
fn path<'a>(rest: &'a str, word: &str) -> Result<(&'a str, &'a str), Reply> {
    let bad = || Reply::new(501, "5.5.4", &format!("syntax: {word}<address>"));
    let start = rest.get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word));
    let rest = rest[start.ok_or_else(bad)?.len()..].trim_start();
    let (path, parameters) = rest
        .strip_prefix('<')
        .and_then(|rest| rest.split_once('>'))
        .ok_or_else(bad)?;
    if path.len() + 2 > PATH_OCTETS {
        return Err(Reply::new(501, "5.5.4", "path too long"));
    }
    Ok((path, parameters.trim()))
}

/// Dot-strings only: nobody here has a quoted name.
fn is_address(written: &str) -> bool {
    let Some((local, domain)) = written.rsplit_once('@') else {
        return false;
    };
    let atom = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&c);
    let is_local = local.split('.').all(|part| !part.is_empty() && part.bytes().all(atom));
    is_local && local.len() <= LOCAL_OCTETS && is_domain(domain)
}

fn is_domain(written: &str) -> bool {
    let is_label = |label: &str| {
        let inner = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    written.len() <= DOMAIN_OCTETS && written.split('.').all(is_label)
}
