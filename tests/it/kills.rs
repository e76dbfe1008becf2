//! `kill -9` and SIGSTOP of `serve` in the middle of publications ([`rounds`]), one press file over ten kills ([`press`]), several processes on one DATA
//! ([`together`]), an owner that stands still for longer than its requests may take ([`frozen`]), a full disk ([`full`]). The counterparts run in this
//! process and keep their own books over every kill: at the end our counters, our rows and their books must say the same. Once more among counterparts
//! that we did not write ([`real`]).

mod books;
mod frozen;
mod full;
mod moments;
mod press;
mod real;
mod rounds;
mod tally;
mod together;

use super::support::counterparts::{Stage, WEBSITE, mastodon, sms, webhook};

const PEOPLE: usize = 200;
/// SMS that may be in flight at once; five of these connections stay free for something urgent.
const CONNECTIONS: usize = 69;
/// SMS in flight when the gateway hangs.
const IN_FLIGHT: usize = 64;
const RECEIVERS: usize = 8;

const PUBLISHER: &str = "[publisher.potsdam]\nname = \"Landeshauptstadt Potsdam\"\nlanguages = [\"de\"]\ntimezone = \"Europe/Berlin\"\nphone = \"115\"\n";

/// A website, an account, 200 phones and 8 receivers of webhooks; nobody is given up before this time.
fn stage(timeout: &str) -> Stage {
    let timeout = format!("timeout = \"{timeout}\"");
    let stage = Stage::new(PUBLISHER, |sandbox| {
        [
            WEBSITE.to_owned(),
            mastodon(sandbox) + &timeout + "\n",
            // An unknown SMS holds the same person's next one only for a second, else 50 kills would take two minutes each.
            sms(
                sandbox,
                &format!("concurrency = {CONNECTIONS}\norder_wait = \"1s\"\n{timeout}"),
            ),
            webhook(&format!(
                "audience = {{ file = \"nachbarn.csv\" }}\nallow_private = true\n{timeout}"
            )),
        ]
        .concat()
    });
    let phones: String = (0..PEOPLE).map(|n| format!("+49171392{n:04}\n")).collect();
    stage.app.write("presse.csv", &format!("address\n{phones}"));
    let url = stage.sandbox.webhook.url();
    let receivers: String = (0..RECEIVERS).map(|n| format!("{url}/kreis-{n}\n")).collect();
    stage.app.write("nachbarn.csv", &format!("address\n{receivers}"));
    stage
}

fn notice(number: usize) -> String {
    format!(
        "incident = \"ausfall\"\nheadline = \"Lage {number}: die IT ist abgeschaltet\"\nsummary = \"Dies ist Lage {number}. Bitte rufen Sie an.\"\n"
    )
}
