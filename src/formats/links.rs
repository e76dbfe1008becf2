//! Where pages lie and how they point at each other. Links inside the site are relative, so that a copy on a stick, a mirror
//! or a site in a subfolder works; canonical addresses and feeds are absolute.

use crate::domain::publisher::Publisher;
use crate::text::lang::Lang;

/// The addresses of one publisher in one language.
#[derive(Debug, Clone)]
pub struct Links {
    site: String,
    prefix: String,
    publisher: String,
}

impl Links {
    /// `site` is the public address without a slash at the end. Languages but the publisher's first stand before the path.
    pub fn of(site: &str, publisher: &Publisher, lang: Lang) -> Self {
        let prefix = if lang == publisher.first_language() {
            String::new()
        } else {
            format!("{lang}/")
        };
        Self {
            site: site.trim_end_matches('/').to_owned(),
            prefix,
            publisher: publisher.id.clone(),
        }
    }

    /// The file of a page: `en/potsdam/2023-01-it/index.html` for `2023-01-it/`.
    pub fn file(&self, page: &str) -> String {
        format!("{}{}/{page}index.html", self.prefix, self.publisher)
    }

    /// Path of something below the publisher, from the root of the site.
    pub fn path(&self, below: &str) -> String {
        format!("{}{}/{below}", self.prefix, self.publisher)
    }

    /// Absolute address of something below the publisher.
    pub fn url(&self, below: &str) -> String {
        format!("{}/{}", self.site, self.path(below))
    }
}

/// The way from a file to the root of the site: `../../` for `potsdam/archive/index.html`.
pub fn root_from(file: &str) -> String {
    match file.matches('/').count() {
        0 => "./".to_owned(),
        depth => "../".repeat(depth),
    }
}

/// `tel:` for a number as written; nothing where something else than a number stands there ("siehe unten", "[entfernt am …]",
/// two numbers). National emergency and service numbers stay as they are.
pub fn tel(number: &str) -> Option<String> {
    let number = number.trim();
    // The zero in "+49 (0) 331" is dialled only without the country.
    let whole = number.starts_with('+').then(|| number.replace("(0)", ""));
    let number = whole.as_deref().unwrap_or(number);
    let (plus, rest) = number.strip_prefix('+').map_or(("", number), |rest| ("+", rest));
    let between = |c: char| c.is_whitespace() || matches!(c, '-' | '–' | '/' | '.' | '(' | ')');
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    let only = rest.chars().all(|c| c.is_ascii_digit() || between(c));
    (only && (3..=20).contains(&digits.len())).then(|| format!("tel:{plus}{digits}"))
}

/// `mailto:` for a mail address as written; nothing where something else stands there. Signs that mean something in an
/// address of the web are none of an ordinary mail address.
pub fn mailto(address: &str) -> Option<String> {
    let address = address.trim();
    let (name, domain) = address.split_once('@')?;
    let fine = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "._+-".contains(c));
    (fine(name) && fine(domain)).then(|| format!("mailto:{address}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_root() {
        assert_eq!(root_from("index.html"), "./");
        assert_eq!(root_from("en/potsdam/archive/index.html"), "../../../");
    }

    #[test]
    fn numbers_to_dial() {
        assert_eq!(tel("+49 30 23125-100").as_deref(), Some("tel:+493023125100"));
        assert_eq!(tel("116 117").as_deref(), Some("tel:116117"));
        assert_eq!(tel("(030) 123/45 – 0").as_deref(), Some("tel:030123450"));
        assert_eq!(tel("+49 (0) 331 289-0").as_deref(), Some("tel:+493312890"));
        for other in [
            "siehe unten",
            "030 123 oder +49 30 123",
            "030 123 + 45",
            "[entfernt am 24.01.2023]",
            "[removed on 24 January 2023]",
            "115 (8–18 Uhr)",
            "12",
        ] {
            assert_eq!(tel(other), None, "{other}");
        }
    }

    #[test]
    fn addresses_to_write_to() {
        assert_eq!(
            mailto(" post.stelle@rathaus.example").as_deref(),
            Some("mailto:post.stelle@rathaus.example")
        );
        for other in [
            "[entfernt am 24.01.2023]",
            "post@rathaus.example?bcc=x@evil.example",
            "post at rathaus",
            "a@b@c.example",
            "@rathaus.example",
        ] {
            assert_eq!(mailto(other), None, "{other}");
        }
    }
}
