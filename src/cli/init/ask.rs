//! Asks the six questions. What is read and written comes from outside; an answer that is not possible is asked again with
//! the reason.

use std::io::{BufRead, Read, Write};
use std::path::Path;

use super::answers::Answers;
use super::questions::{KEYS, question};
use crate::cli::output::{Failure, wrap};
use crate::said;
use crate::text::said::Said;

/// Longest line read: no answer is longer, and nothing that is piped in by mistake shall fill the memory.
const LONGEST: u64 = 4_096;

/// Asks everything; ends where the input ends.
pub fn ask(input: &mut impl BufRead, output: &mut impl Write, config: &Path, german: bool) -> Result<Answers, Failure> {
    let mut desk = Desk { input, output, german };
    desk.say(&said!(
        "Sechs Fragen, dann steht die Konfiguration; die letzte, das Impressum, hat sechs Teile. Enter übernimmt den Vorschlag in [Klammern]; Strg+C bricht ab. Geschrieben wird erst am Ende.",
        "Six questions, then the configuration is there; the last one, the imprint, has six parts. Enter takes the proposal in [brackets]; Ctrl+C cancels. Nothing is written before the end."
    ), "")?;
    let mut answers = Answers::sample();
    for key in KEYS {
        let question = question(key, &answers);
        desk.line("")?;
        let title = question.title.in_german(german);
        let number = KEYS.iter().position(|k| *k == key).unwrap_or_default().min(5) + 1;
        desk.line(&format!("{number}/6  {title}"))?;
        desk.say(&question.why, "     ")?;
        loop {
            let written = match (desk.read(question.proposal.as_deref())?, &question.proposal) {
                (Line::Text(text), Some(proposal)) if text.is_empty() => proposal.clone(),
                (Line::Text(text), _) => text,
                (Line::Unreadable(why), _) => {
                    desk.say(&why, "     ")?;
                    continue;
                }
                (Line::End, _) => {
                    desk.line("")?;
                    return Err(Failure::Refused(said!(
                        "Abgebrochen; nichts wurde geschrieben.",
                        "Cancelled; nothing was written."
                    )));
                }
            };
            match answers.with(key, &written, config) {
                Ok(better) => {
                    answers = better;
                    break;
                }
                Err(Said { de, en }) => desk.say(&said!("Das geht nicht: {de}", "Not possible: {en}"), "     ")?,
            }
        }
    }
    desk.line("")?;
    Ok(answers)
}

/// What came in.
enum Line {
    Text(String),
    Unreadable(Said),
    End,
}

struct Desk<'a, R, W> {
    input: &'a mut R,
    output: &'a mut W,
    german: bool,
}

impl<R: BufRead, W: Write> Desk<'_, R, W> {
    fn line(&mut self, line: &str) -> std::io::Result<()> {
        writeln!(self.output, "{line}")
    }

    fn say(&mut self, said: &Said, indent: &str) -> std::io::Result<()> {
        for line in wrap(said.in_german(self.german), 79 - indent.len()) {
            self.line(&format!("{indent}{line}"))?;
        }
        Ok(())
    }

    fn read(&mut self, proposal: Option<&str>) -> std::io::Result<Line> {
        match proposal {
            Some(proposal) => write!(self.output, "     [{proposal}] > ")?,
            None => write!(self.output, "     > ")?,
        }
        self.output.flush()?;
        let mut bytes = Vec::new();
        if (&mut *self.input).take(LONGEST).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(Line::End);
        }
        if bytes.len() as u64 == LONGEST && bytes.last() != Some(&b'\n') {
            self.skip_line()?;
            return Ok(Line::Unreadable(said!(
                "Die Zeile ist zu lang. Bitte kürzer.",
                "The line is too long. Please make it shorter."
            )));
        }
        Ok(match String::from_utf8(bytes) {
            Ok(text) => Line::Text(text.trim().to_owned()),
            Err(_) => Line::Unreadable(said!(
                "Das kam nicht als UTF-8 an. Bitte ohne Umlaute, oder das Terminal auf UTF-8 stellen.",
                "That did not arrive as UTF-8. Please write it without umlauts, or set the terminal to UTF-8."
            )),
        })
    }

    /// The rest of a line that is too long.
    fn skip_line(&mut self) -> std::io::Result<()> {
        loop {
            let mut piece = Vec::new();
            let read = (&mut *self.input).take(LONGEST).read_until(b'\n', &mut piece)?;
            if read == 0 || piece.last() == Some(&b'\n') {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(lines: &[&str]) -> (Result<Answers, Failure>, String) {
        let mut said = Vec::new();
        let answers = ask(
            &mut lines.join("\n").as_bytes(),
            &mut said,
            Path::new("channels.toml"),
            false,
        );
        (answers, String::from_utf8(said).unwrap())
    }

    /// Good answers to everything, line by line.
    const GOOD: [&str; 11] = [
        "Landeshauptstadt Potsdam",
        "Brandenburg",
        "115",
        "https://info.potsdam.example/",
        "",
        "",
        "Am Markt 1, 14467 Potsdam",
        "Oberbürgermeister Muster",
        "",
        "post@potsdam.example",
        "Pressestelle, Am Markt 1, 14467 Potsdam",
    ];

    #[test]
    fn an_empty_answer_takes_the_proposal() {
        let (answers, _) = asked(&GOOD);
        let answers = answers.unwrap();
        assert_eq!(answers.land, "BB");
        assert_eq!(answers.targets, ["\"file:public\""]);
        assert_eq!(
            (answers.imprint.name.as_str(), answers.imprint.phone.as_str()),
            ("Landeshauptstadt Potsdam", "115")
        );
    }

    #[test]
    fn each_bad_answer_is_asked_again_with_the_reason() {
        for (at, bad, reason) in [
            (0, "", "empty"),
            (0, "Stadt\u{1b}[D", "control"),
            (1, "Preußen", "no Land"),
            (2, "siehe Aushang", "no phone number"),
            (3, "info.potsdam.example", "no complete address"),
            (3, "ftp://info.potsdam.example", "https"),
            (3, "https://u:p@info.potsdam.example", "credentials"),
            (4, "public", "file:FOLDER"),
            (4, "file:", "folder is missing"),
            (4, "gopher://x/y", "no targets with"),
            (4, "{ url = ", "TOML"),
            (4, "{ url = \"file:public\", lnk = true }", "link"),
            (6, "", "empty"),
            (8, "keins", "no phone number"),
            (9, "post@potsdam", "no mail address"),
            (10, " ", "empty"),
        ] {
            let mut lines = GOOD.to_vec();
            lines.insert(at, bad);
            let (answers, said) = asked(&lines);
            let answers = answers.unwrap_or_else(|_| panic!("{bad}: {said}"));
            assert_eq!(answers, asked(&GOOD).0.unwrap(), "{bad}");
            assert_eq!(said.matches("Not possible").count(), 1, "{bad}: {said}");
            let after = said.split_once("Not possible").unwrap().1;
            let after = after.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(after.split(" > ").next().unwrap().contains(reason), "{bad}: {after}");
        }
    }

    #[test]
    fn nothing_is_assumed_when_the_input_ends() {
        for count in 0..GOOD.len() {
            let (answers, _) = asked(&GOOD[..count]);
            assert!(matches!(answers, Err(Failure::Refused(_))), "{count}");
        }
    }

    #[test]
    fn a_line_without_end_is_bounded_and_refused() {
        let long = "x".repeat(1 << 20);
        let (answers, said) = asked(&[&long]);
        assert!(answers.is_err() && said.len() < 1 << 20);
    }

    #[test]
    fn every_line_fits_the_terminal() {
        let (_, said) = asked(&GOOD);
        // The prompt and what is typed stand on one line.
        let wide: Vec<_> = said
            .lines()
            .filter(|l| l.chars().count() > 80 && !l.contains(" > "))
            .collect();
        assert!(wide.is_empty(), "{wide:?}");
    }
}
