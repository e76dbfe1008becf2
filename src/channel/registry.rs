//! Every kind of channel there is, by alphabet. Help, `channel list`, the reference and the reading of `channels.toml` come
//! from this list: a new kind is one file and one line here.

use std::path::Path;

use base16ct::lower::encode_string as hex;
use sha2::{Digest, Sha256};

use super::{Built, email, kannel, mastodon, seven, sms, sms_http, webhook, website};
use crate::domain::delivery::Gate;
use crate::domain::problem::Problem;
use crate::said;
use crate::secret::KeyFile;
use crate::settings::quoted::quoted;
use crate::settings::{ChannelSettings, RawTable, Settings, environment, reader::hint};
use crate::store::{LaneSpec, TargetSpec};
use crate::text::said::Said;

/// A kind of channel.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// As in `kind = "…"`.
    pub name: &'static str,
    /// What it is for, German and English, one sentence each.
    pub purpose: [&'static str; 2],
    /// A commented example of `[channel.NAME]`.
    pub example: &'static str,
    /// Reads the kind's own keys and builds the channel; connects to nothing.
    pub build: fn(&Surroundings<'_>, &ChannelSettings) -> Result<Built, Vec<Problem>>,
}

impl Kind {
    /// What it is for.
    pub fn purpose(&self) -> Said {
        let [de, en] = self.purpose.map(str::to_owned);
        Said { de, en }
    }
}

/// What a kind is built with beside its own settings.
#[derive(Debug, Clone)]
pub struct Surroundings<'a> {
    /// Everything configured.
    pub settings: &'a Settings,
    /// The installation's key, read when first needed.
    pub key: KeyFile,
}

/// Every kind.
pub const KINDS: &[Kind] = &[
    email::KIND,
    kannel::KIND,
    mastodon::KIND,
    seven::KIND,
    sms_http::KIND,
    webhook::KIND,
    website::KIND,
];

/// Keys whose values are secrets: they take no part in the hash of a channel's settings.
const SECRET_KEYS: &[&str] = &[
    "access_key",
    "api_key",
    "password",
    "private_key",
    "secret",
    "secret_key",
    "signing_secret",
    "token",
];

/// A channel as configured and built.
#[derive(Clone)]
pub struct Configured {
    /// Its settings.
    pub settings: ChannelSettings,
    /// What sends.
    pub built: Built,
    /// Its lane.
    pub spec: LaneSpec,
    /// Stands in for another channel and gets no broadcasts of its own.
    pub reserve: bool,
}

impl std::fmt::Debug for Configured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Configured")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

/// Reads the configuration and builds every channel; all problems of both at once.
pub fn configure(file: &Path, data: &Path) -> Result<(Settings, Vec<Configured>), Vec<Problem>> {
    let (settings, mut problems) = Settings::gather(file, data, &environment())?;
    match build(&settings) {
        Ok(channels) if problems.is_empty() => return Ok((settings, channels)),
        Ok(_) => {}
        Err(found) => problems.extend(found),
    }
    problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    problems.dedup();
    Err(problems)
}

/// Builds every channel.
pub fn build(settings: &Settings) -> Result<Vec<Configured>, Vec<Problem>> {
    let surroundings = Surroundings {
        settings,
        key: KeyFile::new(settings.store.key_file.clone()),
    };
    let mut out = Vec::new();
    let mut problems = Vec::new();
    for channel in settings.channels.values() {
        let Some(kind) = KINDS.iter().find(|kind| kind.name == channel.kind) else {
            problems.extend(unknown_kind(channel));
            continue;
        };
        match (kind.build)(&surroundings, channel) {
            Ok(built) => out.push(Configured {
                spec: spec(channel, &built),
                settings: channel.clone(),
                built,
                reserve: settings.is_reserve(&channel.name),
            }),
            Err(found) => problems.extend(found),
        }
    }
    problems.extend(failovers(settings, &out));
    problems.extend(out.iter().filter_map(unknown_probe));
    problems.extend(out.iter().filter_map(idle_ramp));
    let targets = out.iter().filter_map(|channel| match &channel.built {
        Built::Website(targets) => Some((&channel.settings.own, targets.as_slice())),
        Built::Messages(_) => None,
    });
    problems.extend(website::apart::problems(targets));
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

fn unknown_kind(channel: &ChannelSettings) -> Option<Problem> {
    // A missing kind is reported where the common keys are read.
    let node = channel.own.entries.get("kind").filter(|_| !channel.kind.is_empty())?;
    let list = KINDS.iter().map(|k| k.name).collect::<Vec<_>>().join(", ");
    let (found, (de, en)) = (quoted(&channel.kind), hint(&channel.kind, KINDS.iter().map(|k| k.name)));
    Some(node.place.problem(
        &channel.own.field("kind"),
        said!(
            "Eine Kanalart {found} gibt es nicht.{de}",
            "there is no kind of channel {found}.{en}"
        ),
        said!("Es gibt: {list}.", "There are: {list}."),
    ))
}

/// A probe that the kind does not have.
fn unknown_probe(channel: &Configured) -> Option<Problem> {
    let probe = channel.settings.common.release.probe.as_ref()?;
    let known = matches!(&channel.built, Built::Messages(built) if built.has_probe(&probe.name));
    let release = channel.settings.own.table("release")?;
    let node = release.entries.get("probe").filter(|_| !known)?;
    let (found, kind) = (quoted(&probe.name), &channel.settings.kind);
    Some(node.place.problem(
        &release.field("probe"),
        said!(
            "Eine Probe {found} hat die Kanalart {kind} nicht.",
            "the kind {kind} has no probe {found}."
        ),
        said!(
            "Für email gibt es probe = \"smtp\". Sonst lassen Sie probe und then weg; freigegeben wird mit rundruf channel release.",
            "For email there is probe = \"smtp\". Else leave probe and then out; release with rundruf channel release."
        ),
    ))
}

/// A ramp where nobody is sent to one by one: an account gets one post for all, a website one upload, so there is nothing to slow down.
fn idle_ramp(channel: &Configured) -> Option<Problem> {
    channel.settings.common.release.ramp?;
    if reaches(channel).is_some() {
        return None;
    }
    let release = channel.settings.own.table("release")?;
    let (node, kind) = (release.entries.get("ramp")?, &channel.settings.kind);
    Some(node.place.problem(
        &release.field("ramp"),
        said!(
            "Dieser Kanal der Art {kind} hat keine einzelnen Empfänger; eine Rampe könnte nichts verlangsamen.",
            "this channel of kind {kind} has no recipients of its own; a ramp could slow nothing down."
        ),
        said!(
            "Lassen Sie ramp hier weg; nach der Freigabe geht alles Wartende auf einmal hinaus.",
            "Leave ramp out here; after the release all that waits goes out at once."
        ),
    ))
}

/// A channel stands in only for one of its like: same kind of addresses.
fn failovers(settings: &Settings, built: &[Configured]) -> Vec<Problem> {
    let find = |name: &str| built.iter().find(|c| c.settings.name == name);
    let mut problems = Vec::new();
    for channel in built {
        let Some(target) = channel.settings.common.failover.as_deref().and_then(find) else {
            continue;
        };
        if reaches(channel) == reaches(target) && reaches(channel).is_some() {
            continue;
        }
        let field = channel.settings.own.field("failover");
        let place = settings
            .raw
            .table("channel")
            .and_then(|t| t.table(&channel.settings.name))
            .and_then(|t| t.entries.get("failover"));
        if let Some(node) = place {
            let (kind, other) = (&channel.settings.kind, &target.settings.kind);
            problems.push(node.place.problem(
                &field,
                said!(
                    "Ein Kanal der Art {other} kann keinen der Art {kind} ersetzen.",
                    "a channel of kind {other} cannot stand in for one of kind {kind}."
                ),
                said!(
                    "Bitte nennen Sie einen Kanal, der dieselben Adressen erreicht (SMS für SMS).",
                    "Name a channel that reaches the same addresses (SMS for SMS)."
                ),
            ));
        }
    }
    problems
}

/// What a channel's recipients are: phones, whatever the gateway, or else what its kind reaches; `None`: an account or a website, which
/// nothing else can be.
fn reaches(channel: &Configured) -> Option<&str> {
    match &channel.built {
        Built::Messages(built) if built.abilities().audience => {
            let kind = channel.settings.kind.as_str();
            Some(if sms::KINDS.contains(&kind) { "sms" } else { kind })
        }
        _ => None,
    }
}

fn spec(channel: &ChannelSettings, built: &Built) -> LaneSpec {
    let (account, targets) = match built {
        Built::Messages(built) => (built.account(), Vec::new()),
        Built::Website(targets) => (
            // Targets come and go; the site is one.
            format!("website:{}", channel.publishers.join(",")),
            targets
                .iter()
                .map(|t| TargetSpec {
                    address: t.address(),
                    link: t.link(),
                })
                .collect(),
        ),
    };
    LaneSpec {
        name: channel.name.clone(),
        kind: channel.kind.clone(),
        account,
        settings_hash: settings_hash(&channel.own),
        first_gate: channel.common.gate.unwrap_or(Gate::Open),
        targets,
        failover: channel.common.failover.clone(),
        probes: channel.common.release.probe.is_some(),
    }
}

fn settings_hash(own: &RawTable) -> String {
    let digest = Sha256::digest(own.canonical(SECRET_KEYS).as_bytes());
    hex(&digest[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_is_for_channels_with_recipients() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("list.csv"), "address\n").unwrap();
        let file = dir.path().join("channels.toml");
        let problems = |channel: &str| {
            let ramp = "release = { ramp = { start = \"20/min\", double = \"10m\" } }";
            let text = format!("[publisher.stadt]\nname = \"Stadt\"\n[channel.a]\n{channel}\n{ramp}\n");
            std::fs::write(&file, text).unwrap();
            configure(&file, &dir.path().join("data")).err().unwrap_or_default()
        };
        let hook = "kind = \"webhook\"\nsecret = \"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n";
        for (none, line) in [
            ("kind = \"website\"\ntargets = [\"file:public\"]".to_owned(), 6),
            (format!("{hook}url = \"https://x.example\""), 7),
        ] {
            let found = problems(&none);
            assert!(found[0].what.de.contains("keine einzelnen Empfänger"), "{found:?}");
            assert!(found[0].what.en.contains("no recipients of its own"), "{found:?}");
            assert!(
                found[0].remedy.en.contains("Leave ramp out") && found[0].line == Some(line),
                "{found:?}"
            );
        }
        assert_eq!(
            problems(&format!("{hook}audience = {{ file = \"list.csv\" }}")).len(),
            0
        );
    }

    #[test]
    fn the_list_is_alphabetical_and_every_example_works() {
        assert!(KINDS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for kind in KINDS {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("presse.csv"), "address\n").unwrap();
            let file = dir.path().join("channels.toml");
            let text = format!("[publisher.stadt]\nname = \"Stadt\"\n{}", kind.example);
            std::fs::write(&file, text).unwrap();
            let (_, channels) = configure(&file, &dir.path().join("data")).unwrap_or_else(|problems| {
                panic!("{}: {}", kind.name, problems[0].line_for(false));
            });
            assert_eq!(channels[0].spec.kind, kind.name);
        }
    }
}
