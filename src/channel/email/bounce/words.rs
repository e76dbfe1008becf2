//! What servers say, as codes (RFC 3463, RFC 5321) and in words, English and German. Where it is not sure that nobody is there,
//! another reason is taken: an address that is suppressed wrongly learns nothing any more.

/// Longest address or word of a server that is kept, in characters.
const LONGEST: usize = 320;

/// Why a mail came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// The domain's server does not know the address, or has closed it.
    NobodyThere,
    /// There is no such domain.
    NoSuchDomain,
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
            Self::Content | Self::Trouble | Self::Other => None,
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
            "konnte nicht gefunden werden",
            "benutzer nicht bekannt",
            "benutzer unbekannt",
            "empfänger unbekannt",
            "empfänger ist unbekannt",
            "unbekannter empfänger",
            "unbekannter benutzer",
            "postfach existiert nicht",
        ],
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
    let precise = code.into_iter().flatten().find_map(|code| by_code(&code));
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

/// What a code says by itself; nothing where it leaves it open (`5.0.0`, `5.1.0`).
fn by_code(code: &str) -> Option<Because> {
    let mut numbers = code.split('.').skip(1).map(str::parse::<u16>);
    let (Some(Ok(subject)), Some(Ok(detail))) = (numbers.next(), numbers.next()) else {
        return None;
    };
    match (subject, detail) {
        (1, 1 | 3 | 6 | 10) | (2, 1) => Some(Because::NobodyThere),
        (1, 2) => Some(Because::NoSuchDomain),
        (2, 2) => Some(Because::Full),
        (1, 7 | 8) | (7, _) => Some(Because::Policy),
        (2, 3) | (3, 4) | (6, _) => Some(Because::Content),
        (3 | 4, 1..) => Some(Because::Trouble),
        _ => None,
    }
}

/// The first enhanced status in a text: `5.1.1` of `550 #5.1.1 (unknown)`; no address and no version of four numbers.
pub(super) fn status(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .find_map(|word| {
            let word = word.trim_end_matches('.');
            let mut parts = word.split('.');
            let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
            let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            let fits = matches!(class, "2" | "4" | "5") && number(subject) && number(detail) && parts.next().is_none();
            fits.then(|| word.to_owned())
        })
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
