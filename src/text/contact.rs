//! Phone numbers and mail addresses as people write them: whether something can be one, not whether anybody answers there.

/// Longest mail address that can be delivered to (RFC 5321, 4.5.3.1.3: 256 with its angle brackets).
pub const MAX_MAIL: usize = 254;

/// True for a number that a phone can dial or a person reads aloud: `115`, `+49 30 23125100`, `(0331) 289-0`.
///
/// ```
/// # use rundruf::text::contact::is_phone;
/// assert!(is_phone("115") && is_phone("+49 (0)331 / 289-0"));
/// assert!(!is_phone("5") && !is_phone("siehe Aushang") && !is_phone("030+115"));
/// ```
pub fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let known = text.chars().all(|c| c.is_ascii_digit() || " +()/-.".contains(c));
    known && (2..=20).contains(&digits) && text.rfind('+').is_none_or(|at| at == 0)
}

/// True for a bare mail address with a domain that has a dot.
///
/// ```
/// # use rundruf::text::contact::is_mail;
/// assert!(is_mail("post@stadt.example"));
/// assert!(!is_mail("post@stadt") && !is_mail("Post <post@stadt.example>") && !is_mail("stadt.example"));
/// ```
pub fn is_mail(text: &str) -> bool {
    let parts = text.split_once('@');
    let good = parts.is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.contains('@') && !host.starts_with('.') && !host.ends_with('.')
    });
    good && text.chars().count() <= MAX_MAIL && !text.contains(|c: char| c.is_whitespace() || "<>,;\"".contains(c))
}
