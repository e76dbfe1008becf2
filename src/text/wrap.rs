//! Lines for a terminal or a comment.

/// Breaks a text into lines of at most `width` characters at spaces; a longer word goes on in the next line.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    let mut free = width;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        let gap = usize::from(free < width);
        if gap + length <= free {
            let line = lines
                .last_mut()
                .expect("there is always a line: it begins with one and only grows");
            line.push_str(&" "[..gap]);
            line.push_str(word);
            free -= gap + length;
            continue;
        }
        let pieces: Vec<char> = word.chars().collect();
        for piece in pieces.chunks(width) {
            // An empty first line is the word's.
            if free < width {
                lines.push(String::new());
            }
            let line = lines
                .last_mut()
                .expect("there is always a line: it begins with one and only grows");
            line.extend(piece);
            free = width - piece.len();
        }
    }
    lines
}
