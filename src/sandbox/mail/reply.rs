//! An answer of a mail server, with its enhanced code (RFC 3463, RFC 2034).

/// A code and one or more lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) lines: Vec<String>,
}

impl Reply {
    /// `250 2.1.0 Ok`.
    pub(super) fn new(code: u16, enhanced: &str, words: &str) -> Self {
        Self::bare(code, &format!("{enhanced} {words}"))
    }

    /// Without an enhanced code: greetings and "go ahead" have none.
    pub(super) fn bare(code: u16, words: &str) -> Self {
        Self {
            code,
            lines: vec![words.to_owned()],
        }
    }

    /// As it goes over the wire: every line but the last has a hyphen behind its code.
    pub(super) fn wire(&self) -> String {
        let last = self.lines.len().saturating_sub(1);
        let lines = self.lines.iter().enumerate();
        lines
            .map(|(n, line)| format!("{}{}{line}\r\n", self.code, if n == last { ' ' } else { '-' }))
            .collect()
    }
}
