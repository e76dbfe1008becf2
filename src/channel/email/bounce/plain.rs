//! Bounces in plain text, as GMX, WEB.DE and IONOS (after Exim), T-Online (after Smail 3) and many an Exchange write them: an address, and
//! near it a reason. One reading for all: who writes which form changes by the year.

use super::mime::Head;
use super::words::{self, because};
use super::{MOST_RECIPIENTS, Returned};

/// One of these stands in every bounce, in subject or text; in lower case.
const FAILED: &[&str] = &[
    "could not be delivered",
    "couldn't be delivered",
    "cannot be delivered",
    "was not delivered",
    "did not reach",
    "unable to deliver",
    "not able to deliver",
    "wasn't able to deliver",
    "failed to deliver",
    "delivery failed",
    "delivery has failed",
    "delivery failure",
    "delivery status notification",
    "mail failed",
    "address failed",
    "addresses failed",
    "failed address",
    "undeliverable",
    "undelivered",
    "returned mail",
    "returned to sender",
    "returning to sender",
    "returning message to sender",
    "nicht zugestellt",
    "nicht zustellbar",
    "unzustellbar",
    "nicht erreicht",
    "zustellung fehlgeschlagen",
    "fehler bei der nachrichtenzustellung",
    "zustellfehler",
    "mail delayed",
    "still being retried",
    "noch nicht zugestellt",
];
/// A mail that is still on its way.
const DELAYED: &[&str] = &[
    "will be retried",
    "still being retried",
    "continue trying",
    "warning only",
    "delayed",
    "noch nicht zugestellt",
    "weiterhin versucht",
    "wird erneut versucht",
    "verzögert",
];
/// Behind a line that holds one of these the returned mail follows.
const RETURNED: &[&str] = &[
    "header of the original message",
    "headers of the original message",
    "copy of the message",
    "copy of your message",
    "message text follows",
    "message header follows",
    "original message follows",
    "original message headers",
    "original message -",
    "below this line is",
    "ursprüngliche nachricht",
    "originalnachricht",
    "kopfzeilen der nachricht",
    "kopie der nachricht",
    "kopie ihrer nachricht",
];
/// How a line of a head begins.
const HEAD: &[&str] = &["received:", "return-path:", "message-id:"];
/// Lines that repeat somebody's head inside the text.
const LABELS: &[&str] = &[
    "to:",
    "cc:",
    "from:",
    "an:",
    "von:",
    "date:",
    "subject:",
    "sender:",
    "absender:",
];

/// Characters of a line that are looked at: twice what a mail may have in one (RFC 5322, 2.1.1).
const LINE: usize = 2_000;

struct Found {
    address: String,
    text: String,
}

/// The recipients of a text that says that a mail did not arrive; `None` where it does not say so. `failed`: the field that Exim and Gmail set.
pub(super) fn recipients(head: &Head, text: &str, failed: Option<&str>) -> Option<Vec<Returned>> {
    let said = lines(text);
    let whole = format!("{}\n{}", head.subject, said.join("\n")).to_lowercase();
    let holds = |words: &[&str]| words.iter().any(|word| whole.contains(word));
    if failed.is_none() && !holds(FAILED) {
        return None;
    }
    let own: Vec<String> = [
        "to",
        "from",
        "delivered-to",
        "x-original-to",
        "envelope-to",
        "return-path",
    ]
    .iter()
    .filter_map(|name| head.get(name))
    .flat_map(addresses)
    .collect();
    let mut found = Vec::new();
    for address in failed.into_iter().flat_map(addresses) {
        add(&mut found, address, "");
    }
    for line in said {
        take(&mut found, line, &own);
    }
    // Our own subject is repeated there, and may be about delays.
    let for_good =
        whole.contains("permanent error") || found.iter().any(|one| words::smtp_code(&one.text) >= Some(500));
    let action = if holds(DELAYED) && !for_good {
        "delayed"
    } else {
        "failed"
    };
    let returned = found.into_iter().map(|Found { address, text }| {
        let why = because(None, &text);
        let class = match words::smtp_code(&text) {
            _ if action == "delayed" => Some("4.0.0"),
            Some(400..=499) => Some("4.0.0"),
            Some(_) => Some("5.0.0"),
            None if whole.contains("permanent error") => Some("5.0.0"),
            None => None,
        };
        // Whatever the words say: a server that answers 4xx does not know for now, its table of users may be away.
        let passes = class == Some("4.0.0");
        let meant = why.status().filter(|_| !passes);
        let status = words::status(&text).filter(|status| !passes || status.starts_with('4'));
        let status = status.or_else(|| meant.or(class).map(str::to_owned));
        Returned::new(address, action.to_owned(), status, why)
    });
    Some(returned.collect())
}

/// What the server itself says.
fn lines(text: &str) -> Vec<&str> {
    let is_server_s = |line: &&str| {
        let line = line.trim().to_lowercase();
        !RETURNED.iter().any(|mark| line.contains(mark)) && !HEAD.iter().any(|field| line.starts_with(field))
    };
    text.lines().map(short).take_while(is_server_s).take(500).collect()
}

/// Servers write no longer lines; whoever does wants us to read for long.
fn short(line: &str) -> &str {
    line.char_indices().nth(LINE).map_or(line, |(end, _)| &line[..end])
}

/// Takes a line in: it names a recipient, or says more of the last one.
fn take(found: &mut Vec<Found>, line: &str, own: &[String]) {
    let trimmed = line.trim();
    let lower = trimmed.to_lowercase();
    if LABELS.iter().any(|label| lower.starts_with(label)) {
        return;
    }
    let named = addresses(trimmed);
    let leads = trimmed.trim_start_matches(['<', '"', '\'', '(']).to_lowercase();
    let strange = named.iter().find(|address| !own.contains(address));
    if let Some(address) = strange {
        let before = lower.split(address.as_str()).next().unwrap_or_default();
        let before = before.trim_end_matches([' ', '<', '"', '\'', '(']);
        let announced = before.ends_with(':') || FAILED.iter().any(|word| lower.contains(word));
        // In the middle of a later line: the server's words about the address it has already named.
        if leads.starts_with(address.as_str()) || (found.is_empty() && announced) {
            add(found, address.clone(), &lower);
            return;
        }
    }
    if let Some(last) = found.last_mut() {
        last.text.push('\n');
        last.text.push_str(&without(&lower, &named));
    }
}

/// Addresses are no reasons: somebody may be called spam, or live at number 550.
fn without(text: &str, addresses: &[String]) -> String {
    addresses
        .iter()
        .fold(text.to_owned(), |text, address| text.replace(address.as_str(), " "))
}

fn add(found: &mut Vec<Found>, address: String, text: &str) {
    let text = without(text, std::slice::from_ref(&address));
    match found.iter().position(|known| known.address == address) {
        Some(at) => {
            let known = found.remove(at);
            let text = format!("{}\n{text}", known.text);
            found.push(Found { address, text });
        }
        None if found.len() < MOST_RECIPIENTS => found.push(Found { address, text }),
        None => {}
    }
}

/// The addresses of a text, in lower case.
fn addresses(text: &str) -> Vec<String> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '(' | ')' | '[' | ']' | ',' | ';');
    text.split(ends)
        .map(|word| word.trim_matches(|c: char| matches!(c, ':' | '.' | '\'' | '`' | '!' | '?')))
        .filter(|word| is_address(word))
        .map(|word| words::shortened(&word.to_lowercase()))
        .collect()
}

fn is_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(user, domain)| {
        let of_a_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.');
        !user.is_empty()
            && !word.contains("://")
            && !user.contains("mailto:")
            && domain.contains('.')
            && domain.chars().all(of_a_name)
    })
}
