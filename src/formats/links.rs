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

/// `tel:` for a number as written, where it has digits at all. National emergency and service numbers stay as they are.
pub fn tel(number: &str) -> Option<String> {
    let dialled: String = number.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    let digits = dialled.bytes().filter(u8::is_ascii_digit).count();
    ((3..=20).contains(&digits) && dialled.rfind('+').unwrap_or(0) == 0).then(|| format!("tel:{dialled}"))
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
        assert_eq!(tel("siehe unten"), None);
        assert_eq!(tel("030 123 oder +49 30 123"), None);
    }
}
