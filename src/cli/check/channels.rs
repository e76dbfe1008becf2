//! A channel: its recipients, and what its counterpart says.

use std::time::Duration;

use super::{Group, Level, Line, Moment};
use crate::channel::{Built, Finding};
use crate::publication::{Office, audience};
use crate::said;
use crate::text::said::Said;

/// How long a counterpart may take right after `init`, where the network may be cut.
const FIRST: Duration = Duration::from_secs(10);

/// What is found at a channel.
pub async fn group(office: &Office, name: &str, moment: Moment) -> Group {
    let mut lines = Vec::new();
    for configured in office.channels.iter().filter(|c| c.settings.name == name) {
        if let Some(file) = &configured.settings.common.audience {
            lines.extend(recipients(file, &configured.built));
        }
        match &configured.built {
            Built::Messages(channel) => lines.extend(ask(channel.check(), moment, false).await),
            Built::Website(targets) => {
                for target in targets {
                    let here = target.address().starts_with("file:");
                    lines.extend(ask(target.check(), moment, here).await);
                }
            }
        }
    }
    Group::new(name, said!("Kanal {name}", "Channel {name}"), lines)
}

/// Waits for a counterpart. Right after `init` one that is not `here` may be out of reach: that is no fault yet.
async fn ask(check: impl Future<Output = Vec<Finding>>, moment: Moment, here: bool) -> Vec<Line> {
    if moment == Moment::Later || here {
        return check.await.into_iter().map(Line::from).collect();
    }
    let Ok(found) = tokio::time::timeout(FIRST, check).await else {
        return vec![Line::note(said!(
            "Die Gegenstelle antwortet nicht; vielleicht fehlt gerade das Netz. Später: rundruf check",
            "The counterpart does not answer; perhaps there is no network now. Later: rundruf check"
        ))];
    };
    let mut lines: Vec<Line> = found.into_iter().map(Line::from).collect();
    for line in lines.iter_mut().filter(|line| line.level == Level::Wrong) {
        line.level = Level::Note;
    }
    lines
}

fn recipients(file: &std::path::Path, channel: &Built) -> Vec<Line> {
    let mut count = 0_u64;
    match audience::each(file, channel, |_, _| count += 1) {
        Ok(()) => vec![Line::well(said!(
            "{count} Empfänger in der Liste.",
            "{count} recipients in the file."
        ))],
        Err(problems) => problems
            .iter()
            .map(|p| {
                Line::wrong(Said {
                    de: p.line_for(true),
                    en: p.line_for(false),
                })
            })
            .collect(),
    }
}
