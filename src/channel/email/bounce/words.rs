//! What servers say, as codes (RFC 3463, RFC 5321) and in words, English and German. Where it is not sure that nobody is there,
//! another reason is taken: an address that is suppressed wrongly learns nothing any more.

/// Longest address or word of a server that is kept, in characters.
const LONGEST: usize = 320;

/// Why a mail came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// The domain's server does not know the address, or has closed it.
    NobodyThere,
    /// There is no such domain, or nobody finds it now.
    NoSuchDomain,
    /// The server takes nothing for the address, or does not find something, and does not say that nobody is there.
    Unclear,
    /// The mailbox is full.
    Full,
    /// A rule against us: reputation, authentication, a block list.
    Policy,
    /// This mail: too large, or its content.
    Content,
    /// The way there: network, routing, a server in trouble.
    Trouble,
    /// Something else, or nothing said.
    Other,
}

impl Because {
    /// Nobody will be there tomorrow either.
    pub fn is_gone(self) -> bool {
        matches!(self, Self::NobodyThere | Self::NoSuchDomain)
    }

    /// The status that says the same (RFC 3463, RFC 7505).
    pub(super) fn status(self) -> Option<&'static str> {
        match self {
            Self::NobodyThere => Some("5.1.1"),
            Self::NoSuchDomain => Some("5.1.2"),
            Self::Full => Some("5.2.2"),
            Self::Policy => Some("5.7.1"),
            Self::Unclear | Self::Content | Self::Trouble | Self::Other => None,
        }
    }
}

/// Words by reason, in lower case. The first line that fits counts: what passes stands in front of what does not.
const WORDS: &[(Because, &[&str])] = &[
    (
        Because::Full,
        &[
            "mailbox full",
            "mailbox is full",
            "user is full",
            "over quota",
            "overquota",
            "over storage quota",
            "quota exceeded",
            "exceeded storage",
            "exhausted allowed storage",
            "exceeded its quota",
            "disk quota",
            "too many messages on",
            "postfach voll",
            "postfach ist voll",
            "empfängers ist voll",
            "speichervolumen",
            "zuviele mails",
            "zu viele mails",
        ],
    ),
    (
        Because::Policy,
        &[
            "spam",
            "blocked",
            "block list",
            "blocklist",
            "blacklist",
            "blockiert",
            "sperrliste",
            "policy",
            "dmarc",
            "dkim",
            "spf check",
            "reputation",
            "relay access denied",
            "relaying denied",
            "access denied",
            "sender address rejected",
            "not authorized",
            "nicht berechtigt",
        ],
    ),
    (
        Because::Content,
        &[
            "message too large",
            "size limit exceeded",
            "message size",
            "content rejected",
            "nachricht ist zu groß",
        ],
    ),
    (
        Because::NoSuchDomain,
        &[
            "unknown host",
            "host unknown",
            "host not found",
            "domain not found",
            "no such domain",
            "domain existiert nicht",
            "unbekannte domain",
        ],
    ),
    (
        Because::NobodyThere,
        &[
            "user unknown",
            "unknown user",
            "user is unknown",
            "unknown recipient",
            "recipient unknown",
            "unknown local part",
            "no such user",
            "no such recipient",
            "no such mailbox",
            "no mailbox here",
            "mailbox not found",
            "user not found",
            "recipient not found",
            "recipientnotfound",
            "mailbox does not exist",
            "user does not exist",
            "address does not exist",
            "account does not exist",
            "tried to reach does not exist",
            "user doesn't have",
            "invalid mailbox",
            "recipient no longer on server",
            "account closed",
            "account has been disabled",
            "account is disabled",
            "user is inactive",
            "mailbox disabled",
            "adresse existiert nicht",
            "adresse wurde nicht gefunden",
            "benutzer nicht bekannt",
            "benutzer unbekannt",
            "empfänger unbekannt",
            "empfänger ist unbekannt",
            "unbekannter empfänger",
            "unbekannter benutzer",
            "postfach existiert nicht",
        ],
    ),
    // The address, or a server on the way.
    (
        Because::Unclear,
        &["konnte nicht gefunden werden", "could not be found"],
    ),
    (
        Because::Trouble,
        &[
            "timed out",
            "timeout",
            "no route to host",
            "connection refused",
            "could not connect",
            "unable to connect",
            "lookup failure",
        ],
    ),
];

/// What a server says that has answered, and refuses the address.
const REFUSED: &[&str] = &["access denied", "recipient address rejected"];

/// The reason that codes and words give. A precise code counts more than words, except where these say that it passes.
pub(super) fn because(status: Option<&str>, text: &str) -> Because {
    let text = text.to_lowercase();
    let said = WORDS
        .iter()
        .find(|(_, words)| words.iter().any(|word| text.contains(word)))
        .map(|(because, _)| *because);
    if said == Some(Because::Full) {
        return Because::Full;
    }
    let code = [status.map(str::to_owned), self::status(&text)];
    let precise = code.into_iter().flatten().find_map(|code| by_code(&code, &text));
    // Some servers say 5.1.1 to whom they take for a sender of spam.
    if precise.is_some_and(Because::is_gone) && matches!(said, Some(Because::Policy | Because::Content)) {
        return said.unwrap_or(Because::Other);
    }
    precise.or(said).unwrap_or_else(|| match smtp_code(&text) {
        Some(551) => Because::NobodyThere,
        Some(552) => Because::Full,
        _ => Because::Other,
    })
}

/// What a code says, in the words around it; nothing where it leaves it open (`5.0.0`, `5.1.0`).
fn by_code(code: &str, text: &str) -> Option<Because> {
    let mut numbers = code.split('.').skip(1).map(str::parse::<u16>);
    let (Some(Ok(subject)), Some(Ok(detail))) = (numbers.next(), numbers.next()) else {
        return None;
    };
    match (subject, detail) {
        (1, 1 | 3 | 6 | 10) | (2, 1) => Some(Because::NobodyThere),
        // Postfix says 5.4.4 where the name service knows no host, for good or just now.
        (1, 2) | (4, 4) => Some(Because::NoSuchDomain),
        // RFC 3463: no answer from the host. Exchange Online answers so itself, in many houses for people it does not know, and for some whom a
        // rule keeps back.
        (4, 1) if REFUSED.iter().any(|word| text.contains(word)) => Some(Because::Unclear),
        (2, 2) => Some(Because::Full),
        (1, 7 | 8) | (7, _) => Some(Because::Policy),
        (2, 3) | (3, 4) | (6, _) => Some(Because::Content),
        (3 | 4, 1..) => Some(Because::Trouble),
        _ => None,
    }
}

/// What stands in front of numbers that are no status: names of programs with their versions, and dates.
const NO_STATUS: &[&str] = &[
    "amavisd",
    "am",
    "communigate",
    "courier",
    "dovecot",
    "exchange",
    "exim",
    "haraka",
    "mdaemon",
    "opensmtpd",
    "postfix",
    "qmail",
    "release",
    "sendmail",
    "smail",
    "v",
    "version",
    "vom",
    "zimbra",
];

/// The first enhanced status in a text: `5.1.1` of `550 #5.1.1 (unknown)` and `550-5.1.1 unknown`. No version, no date, no part of a name or of
/// an address: RFC 3463 has subjects from 0 to 7, and a status stands by itself.
pub(super) fn status(text: &str) -> Option<String> {
    let mut before = "";
    for word in text.split_whitespace() {
        if let Some(status) = word_status(word)
            && !NO_STATUS.contains(&before.to_lowercase().as_str())
        {
            return Some(status.to_owned());
        }
        before = word.trim_matches(|c: char| !c.is_alphanumeric());
    }
    None
}

/// The status in a word: by itself, behind a reply code (`550-`), or behind a sign (`#`, `(`, `code=`).
fn word_status(word: &str) -> Option<&str> {
    let begin = word.find(|c: char| c.is_ascii_digit())?;
    let (sign, rest) = word.split_at(begin);
    if sign.contains(|c: char| c.is_alphanumeric()) && !sign.ends_with(['=', ':', '(', '[', '#']) {
        return None;
    }
    let rest = match rest.split_at_checked(4) {
        Some((code, behind)) if code.ends_with(['-', ' ', ':']) && code[..3].parse::<u16>().is_ok() => behind,
        _ => rest,
    };
    let rest = rest.trim_start_matches(['#', '(', '[']);
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let (status, behind) = rest.split_at(end);
    let status = status.trim_end_matches('.');
    let mut parts = status.split('.');
    let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
    let fits = matches!(class, "2" | "4" | "5")
        && matches!(subject.as_bytes(), [b'0'..=b'7'])
        && (1..=3).contains(&detail.len())
        && parts.next().is_none()
        && !behind.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '@' | '/'));
    fits.then_some(status)
}

/// The first reply code of a refusal in a text.
pub(super) fn smtp_code(text: &str) -> Option<u16> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .find_map(|word| {
            let code: u16 = word.parse().ok().filter(|_| word.len() == 3)?;
            matches!(code, 421..=459 | 500..=559).then_some(code)
        })
}

/// So much of it as is kept, without control characters.
pub(super) fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}
