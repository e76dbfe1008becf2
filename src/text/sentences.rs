//! Where sentences end in German and English official prose. A full stop after "z. B.", "Nr." or "16." ends none; when in
//! doubt there is no end, because a text cut inside a date is worse than one cut a sentence earlier. Imports nothing of ours.

/// Abbreviations whose full stop ends no sentence, as they are spelled. Single letters (z. B., d. h., initials) and whatever is
/// followed by a small letter need not stand here.
const ABBREVIATIONS: &[&str] = &[
    "Abb", "Abs", "Abt", "Apr", "Aug", "Az", "Bd", "Bez", "Bf", "Bhf", "Bsp", "Co", "Dez", "Di", "Dipl", "Do", "Dr",
    "Feb", "Fr", "Hbf", "Hr", "Hrn", "Hrsg", "Inc", "Ing", "Jan", "Jg", "Jh", "Jul", "Jun", "Kap", "Kto", "Ltd", "Mi",
    "Min", "Mio", "Mo", "Mr", "Mrd", "Mrs", "Mrz", "Ms", "Mär", "No", "Nov", "Nr", "Nrn", "Okt", "Pf", "Pkt", "Prof",
    "Reg", "Sa", "Sek", "Sep", "Sept", "So", "St", "Std", "Str", "Tel", "Tsd", "Ziff", "a.m", "abzgl", "allg",
    "approx", "bes", "betr", "bspw", "bzgl", "bzw", "ca", "cf", "dgl", "e.g", "ehem", "einschl", "etc", "evtl", "exkl",
    "ff", "geb", "gem", "ggf", "ggfs", "i.e", "inkl", "insb", "insbes", "max", "min", "mind", "nachm", "no", "od",
    "p.m", "resp", "sog", "stellv", "tel", "tgl", "tägl", "usw", "verh", "vgl", "vorm", "vs", "wg", "zzgl", "zzt",
];

/// Byte offsets behind every sentence of `text`, closing quotes and parentheses included, white space not. Line breaks end
/// sentences too (headings and list items have no full stop), and so does the text.
///
/// ```
/// # use rundruf::text::sentences::ends;
/// let text = "Am 16. Januar geht z. B. E-Mail wieder. Stand 10 Uhr.";
/// assert_eq!(ends(text), [39, text.len()]);
/// ```
pub fn ends(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    for (at, c) in text.char_indices() {
        let end = match c {
            '.' | '!' | '?' | '…' => after_mark(text, at, c),
            '\n' => Some(text[..at].trim_end().len()),
            _ => None,
        };
        ends.extend(end);
    }
    ends.push(text.trim_end().len());
    ends.sort_unstable();
    ends.dedup();
    ends.retain(|end| *end > 0);
    ends
}

/// End of the sentence that the mark at `at` closes, if it closes one.
fn after_mark(text: &str, at: usize, mark: char) -> Option<usize> {
    let rest = &text[at + mark.len_utf8()..];
    // The last mark of "?!" speaks for all of them.
    if rest.starts_with(['!', '?', '.', '…']) {
        return None;
    }
    let after_closers = rest.trim_start_matches(['"', '\'', '“', '”', '’', '«', '»', ')', ']']);
    let end = text.len() - after_closers.len();
    if after_closers.is_empty() {
        return Some(end);
    }
    if !after_closers.starts_with(char::is_whitespace) {
        return None;
    }
    let next = after_closers.trim_start();
    let begins_small = next.starts_with(char::is_lowercase);
    let ends_here = match mark {
        '.' => !begins_small && !is_abbreviation(&text[..at]),
        '…' => !begins_small,
        // „Hilfe!“ rief er: a quoted exclamation goes on with a small letter.
        _ => !begins_small || end == at + mark.len_utf8(),
    };
    ends_here.then_some(end)
}

/// Whether the full stop behind `before` belongs to its last word: an abbreviation, an initial, an ordinal number.
fn is_abbreviation(before: &str) -> bool {
    let word = before
        .rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '„' | '"' | '«' | '»' | '/' | '–'))
        .next()
        .unwrap_or(before);
    // "z.B", "18.–20": what counts is behind the last full stop or hyphen.
    let last = word.rsplit(['.', '-', '‑']).next().unwrap_or(word);
    let single_letter = last.chars().count() == 1 && last.chars().all(char::is_alphabetic);
    // Days and floors have one or two digits; "115." and "2023." may well end a sentence.
    let ordinal = (1..=2).contains(&last.len()) && last.bytes().all(|b| b.is_ascii_digit()) && last.len() == word.len();
    let day_and_month = word.contains('.') && word.bytes().all(|b| b.is_ascii_digit() || b == b'.') && last.len() <= 2;
    let street = last.ends_with("str");
    single_letter
        || ordinal
        || day_and_month
        || street
        || ABBREVIATIONS.contains(&word)
        || ABBREVIATIONS.contains(&last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &str) -> Vec<&str> {
        let mut start = 0;
        ends(text)
            .into_iter()
            .map(|end| text[std::mem::replace(&mut start, end)..end].trim())
            .collect()
    }

    #[test]
    fn full_stops_inside_sentences() {
        for one in [
            "Am 16. Januar gilt das, z. B. für Nr. 12 in der Bahnhofstr. 4, d. h. im 2. Stock.",
            "Heute ab 18.30 Uhr und am 24.1. Sonderöffnung mit Dr. Meier und Prof. A. Schulz.",
            "Das betrifft ca. 70 Kommunen bzw. 1.700.000 Menschen (vgl. Abs. 3 usw.).",
            "Mo. bis Fr. von 8 bis 12 Uhr, tel. Auskunft unter Tel. 115.",
            "Siehe www.potsdam.de/it bzw. Datei.pdf für Details.",
            "Open on 24 Jan. 2023, e.g. for Mr. Smith at St. Mary's, No. 5.",
        ] {
            assert_eq!(split(one), [one]);
        }
    }

    #[test]
    fn sentences_that_end() {
        assert_eq!(split("Bis 18:00 Uhr. Danach zu."), ["Bis 18:00 Uhr.", "Danach zu."]);
        assert_eq!(split("Bis 18 Uhr. 115 geht."), ["Bis 18 Uhr.", "115 geht."]);
        assert_eq!(split("Telefon: 115. Wir helfen."), ["Telefon: 115.", "Wir helfen."]);
        assert_eq!(split("Seit 2023. Immer."), ["Seit 2023.", "Immer."]);
        assert_eq!(
            split("Geht das? Ja! Sie fragt: „Wann?“ Bald."),
            ["Geht das?", "Ja!", "Sie fragt: „Wann?“", "Bald."]
        );
        assert_eq!(
            split("Überschrift\n\nEin Satz (mit Klammer.) Noch einer."),
            ["Überschrift", "Ein Satz (mit Klammer.)", "Noch einer."]
        );
        assert_eq!(split("Wirklich?! Ja... Und nun?"), ["Wirklich?!", "Ja...", "Und nun?"]);
        assert_eq!(split("Kein Punkt am Ende "), ["Kein Punkt am Ende"]);
        assert_eq!(
            split("„Hilfe!“ rief er. Dann Ruhe."),
            ["„Hilfe!“ rief er.", "Dann Ruhe."]
        );
    }

    proptest! {
        #[test]
        fn ends_are_increasing_borders(text in "[A-Za-zäÖ0-9 .!?…„“()\n🔌]{0,40}") {
            let ends = ends(&text);
            prop_assert!(ends.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(ends.iter().all(|end| text.is_char_boundary(*end)));
        }
    }
}
