//! Asks before what cannot be undone. `--yes` answers for scripts.

use std::io::{BufRead, IsTerminal, Write};

use super::output::{Failure, Output};
use crate::text::said::Said;

/// Shows `what` and asks. Goes on with `--yes` or an answer that begins with j (ja) or y (yes).
pub fn ask(out: &Output, what: &Said, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    // The question goes to standard error so that `--json` on standard output stays JSON.
    eprint!(
        "{} {} ",
        what.in_german(out.german),
        if out.german {
            "Fortfahren? [j/N]"
        } else {
            "Go on? [y/N]"
        }
    );
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let stdin = std::io::stdin();
    let asked = stdin.is_terminal();
    let _ = stdin.lock().read_line(&mut answer);
    if !asked {
        eprintln!();
    }
    match answer.trim().to_lowercase().chars().next() {
        Some('j' | 'y') => Ok(()),
        _ => Err(Failure::Refused(crate::said!(
            "Nicht ausgeführt. In Skripten bestätigt --yes.",
            "Not done. In scripts, --yes confirms."
        ))),
    }
}
