//! Is the text of a status the one we sent? The service gives it back as HTML of its own making.

/// The text of a status for comparing: tags and white space left out, entities read.
fn bare(content: &str) -> String {
    let mut out = String::new();
    let mut in_tag = false;
    for c in content.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            c if in_tag || c.is_whitespace() => {}
            c => out.push(c),
        }
    }
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(out, |text, (entity, c)| text.replace(entity, c))
}

/// True where a status with this content says `text`.
pub(super) fn same_text(content: &str, text: &str) -> bool {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    // Emulators give the text as it came; then a "<" in it is no tag.
    bare(content) == plain || content.chars().filter(|c| !c.is_whitespace()).eq(plain.chars())
}
