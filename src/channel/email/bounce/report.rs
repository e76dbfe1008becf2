//! The fields of a delivery status notification (RFC 3464, 2.1): one group for the message, one for each recipient.

use super::words::{self, because};
use super::{MOST_RECIPIENTS, Returned};

/// A recipient's group as written.
#[derive(Default)]
struct Group {
    last: Option<String>,
    original: Option<String>,
    action: Option<String>,
    status: Option<String>,
    diagnosis: String,
    /// The head of a returned mail: what follows is not the server's word.
    is_mail: bool,
}

/// The recipients that a report's fields name.
pub(super) fn recipients(text: &str) -> Vec<Returned> {
    let mut found = Vec::new();
    for group in groups(text) {
        if group.is_mail || found.len() == MOST_RECIPIENTS {
            break;
        }
        found.extend(recipient(group));
    }
    found
}

fn groups(text: &str) -> impl Iterator<Item = Group> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let mut group: Option<Group> = None;
        let mut in_diagnosis = false;
        for line in lines.by_ref() {
            if line.trim().is_empty() {
                if group.is_some() {
                    break;
                }
                continue;
            }
            let group = group.get_or_insert_default();
            if line.starts_with([' ', '\t']) {
                if in_diagnosis {
                    group.diagnosis.push(' ');
                    group.diagnosis.push_str(line.trim());
                }
                continue;
            }
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let name = name.trim().to_ascii_lowercase();
            in_diagnosis = name == "diagnostic-code";
            match name.as_str() {
                "final-recipient" => group.last = Some(address(value)),
                "original-recipient" => group.original = Some(address(value)),
                "action" => group.action = word(value),
                "status" => group.status = words::status(value),
                "diagnostic-code" => value.trim().clone_into(&mut group.diagnosis),
                "return-path" | "received" => group.is_mail = true,
                _ => {}
            }
        }
        group
    })
}

/// A group that names nobody, or does not say what became of the mail, is none of a recipient.
fn recipient(group: Group) -> Option<Returned> {
    let Group {
        last,
        original,
        action,
        status,
        diagnosis,
        ..
    } = group;
    let address = last
        .or_else(|| original.clone())
        .filter(|address| !address.is_empty())?;
    if action.is_none() && status.is_none() {
        return None;
    }
    let passes = matches!(words::smtp_code(&diagnosis), Some(400..=499));
    let status = status
        .or_else(|| words::status(&diagnosis))
        .or_else(|| passes.then(|| "4.0.0".to_owned()));
    let action = action.unwrap_or_else(|| {
        let class = status.as_deref().and_then(|status| status.chars().next());
        let action = match class {
            Some('2') => "delivered",
            Some('4') => "delayed",
            _ => "failed",
        };
        action.to_owned()
    });
    let because = because(status.as_deref(), &diagnosis);
    let mut returned = Returned::new(address, action, status, because);
    returned.original = original.filter(|original| *original != returned.address);
    Some(returned)
}

/// `rfc822;<a@b>` without type and brackets.
fn address(value: &str) -> String {
    let address = value.split_once(';').map_or(value, |(_, address)| address);
    let address = address.trim().trim_start_matches('<').trim_end_matches('>');
    words::shortened(address.trim())
}

fn word(value: &str) -> Option<String> {
    let word: String = value
        .trim()
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .take(20)
        .collect();
    (!word.is_empty()).then(|| word.to_ascii_lowercase())
}
