//! Asks before what cannot be undone; `--yes` answers for scripts. Says who stands behind an act that needs a second person.

use std::io::{BufRead, IsTerminal, Write};

use super::output::{Failure, Output};
use crate::text::said::Said;

/// What is said on every act that will need a second person once there are accounts (DESIGN 8).
pub fn alone(actor: &str) -> Said {
    crate::said!(
        "Es gibt noch keine Konten: Eine zweite Person wurde nicht gefragt. Im Protokoll steht: {actor}",
        "There are no accounts yet: no second person was asked. The log says: {actor}"
    )
}

/// Shows `what` and asks. Goes on with `--yes` or an answer that begins with j (ja) or y (yes). Without a terminal nobody is
/// asked: what stands on standard input there (a list of files, the notice itself) was never meant as an answer.
pub fn ask(out: &Output, what: &Said, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        let Said { de, en } = what;
        return Err(Failure::Refused(crate::said!(
            "{de} Hier fragt niemand nach (kein Terminal): nichts wurde getan. Zum Bestätigen noch einmal mit --yes.",
            "{en} Nobody can be asked here (no terminal): nothing was done. To confirm, run it again with --yes."
        )));
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
    let _ = std::io::stdin().lock().read_line(&mut answer);
    match answer.trim().to_lowercase().chars().next() {
        Some('j' | 'y') => Ok(()),
        _ => Err(Failure::Refused(crate::said!(
            "Abgebrochen; nichts wurde getan.",
            "Cancelled; nothing was done."
        ))),
    }
}
