//! The reference of the channels is what the registry and `channels.toml` say. `RUNDRUF_WRITE=1 tests/run the_reference` writes it anew.

mod notice;

use std::fmt::Write;
use std::time::Duration;

use rundruf::channel::registry::{KINDS, Kind, configure};
use rundruf::channel::{Abilities, Built};
use rundruf::domain::delivery::{Operation, UnknownPolicy};

use super::support::root;

const HEAD: &str = "# Channels

Every kind of channel, made from the program itself: what it is for, how it behaves, and an example with all its keys. A section
`[channel.NAME]` of `channels.toml` makes a channel; the name is yours. Every secret `x` may be written as `x_file` (a file with one line) or
`x_env` (the name of an environment variable). `rundruf check` looks at every channel and its counterpart, and sends nothing.

";

#[test]
fn the_reference_of_the_channels_is_what_the_program_says() {
    let file = root().join("docs/channels.md");
    let wanted = reference();
    if std::env::var_os("RUNDRUF_WRITE").is_some() {
        std::fs::write(&file, &wanted).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == wanted,
        "docs/channels.md is out of date: RUNDRUF_WRITE=1 tests/run the_reference writes it"
    );
}

fn reference() -> String {
    let mut out = HEAD.to_owned();
    for kind in KINDS {
        let [_, purpose] = kind.purpose;
        writeln!(out, "## `{}`\n\n{purpose}\n", kind.name).unwrap();
        if let Some(can) = abilities(kind) {
            for line in behaviour(kind, &can) {
                writeln!(out, "- {line}").unwrap();
            }
            out.push('\n');
        }
        writeln!(out, "```toml\n{}\n```\n", kind.example.trim_end()).unwrap();
    }
    writeln!(out, "## What every channel may have\n\n```toml\n{}\n```", common()).unwrap();
    out
}

/// `None`: a website, whose targets are brought to a state rather than sent messages.
fn abilities(kind: &Kind) -> Option<Abilities> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("presse.csv"), "address\n").unwrap();
    let file = dir.path().join("channels.toml");
    let text = format!("[publisher.stadt]\nname = \"Stadt\"\n{}", kind.example);
    std::fs::write(&file, text).unwrap();
    let (_, mut channels) = configure(&file, &dir.path().join("data")).unwrap();
    match channels.remove(0).built {
        Built::Messages(channel) => Some(channel.abilities()),
        Built::Website(_) => None,
    }
}

fn behaviour(kind: &Kind, can: &Abilities) -> Vec<String> {
    let whom = match (can.audience, kind.example.contains("audience")) {
        (true, _) => "Goes to every recipient of a list.",
        (false, true) => "Goes to one address, or to every one of a list.",
        (false, false) => "Speaks through one account.",
    };
    let again = match (can.handle_for, can.looks_up) {
        (Some(Duration::MAX), _) => {
            "Where an answer was lost, the message is sent again under the same name: who has it knows it again."
                .to_owned()
        }
        (Some(term), _) => format!(
            "Where an answer was lost, the message is sent again under the same name, within {}: it is not there twice.",
            time(term)
        ),
        (None, true) => "Where an answer was lost, Rundruf reads back whether the message is there.".to_owned(),
        (None, false) => match can.unknown {
            UnknownPolicy::Ask => {
                "Where an answer was lost, nobody can tell whether it arrived: a person decides (`rundruf decide`)."
            }
            UnknownPolicy::Repeat => {
                "Where an answer was lost, the message is sent again: rarely somebody gets it twice."
            }
            UnknownPolicy::Drop => "Where an answer was lost, the message is not sent again.",
        }
        .to_owned(),
    };
    let mut lines = vec![whom.to_owned(), again];
    if can.receipts {
        lines.push("Delivery reports say later what became of it.".to_owned());
    }
    if can.threads {
        lines.push("Updates hang under the first post of their incident.".to_owned());
    }
    lines.push(format!(
        "A correction {}; a retraction {}.",
        does(can.correction),
        does(can.retraction)
    ));
    if can.links {
        lines
            .push("Texts carry the address of the notice, so they wait up to 5 s for the page to be there.".to_owned());
    }
    lines.push(format!(
        "Without keys of its own: `concurrency = {}`, `timeout = \"{}\"`.",
        can.concurrency,
        time(can.timeout)
    ));
    lines
}

fn does(operation: Operation) -> &'static str {
    match operation {
        Operation::Post => "is a message of its own",
        Operation::Edit => "changes what is there",
        Operation::Delete => "takes down what is there",
        Operation::Reply => "answers what is there",
    }
}

fn time(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds > 0 && seconds % 3_600 == 0 => format!("{}h", seconds / 3_600),
        seconds if seconds > 0 && seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// The keys of all channels, as `channels.toml` has them at its end.
fn common() -> String {
    let file = std::fs::read_to_string(root().join("channels.toml")).unwrap();
    let (_, keys) = file
        .split_once("# What every channel may have:\n#\n")
        .expect("the last part");
    let lines = keys
        .lines()
        .map(|line| line.strip_prefix("# ").unwrap_or(line).trim_end());
    lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}
