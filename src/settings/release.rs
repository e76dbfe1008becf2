//! `release = { probe = "smtp", then = "propose", ramp = { … } }`: what a held channel is let go by, and how fast.

use super::raw::RawTable;
use super::reader::Reader;
use crate::clock::Ms;
use crate::lane_core::probation::{ProbeRules, Then};
use crate::lane_core::ramp::Ramp;
use crate::said;

/// Between two probes where nothing is configured, ms.
const EVERY_MS: Ms = 5 * 60_000;
/// Good probes in a row where nothing is configured.
const GOOD: u32 = 3;

/// How a held channel is released.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// What looks whether it works again.
    pub probe: Option<Probe>,
    /// How fast it starts then.
    pub ramp: Option<Ramp>,
}

/// A probe as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Its name (`smtp`); the kind of channel knows it or not.
    pub name: String,
    /// How often, and what follows.
    pub rules: ProbeRules,
}

/// Reads it.
pub(super) fn read(reader: &mut Reader<'_>, table: &RawTable) -> Release {
    if !reader.has("release") || reader.table("release").is_none() {
        return Release::default();
    }
    let Some(table) = table.table("release") else {
        return Release::default();
    };
    let mut release = Reader::new(table, &[]);
    let ramp = ramp(&mut release);
    let probe = probe(&mut release, ramp.is_some());
    reader.absorb(release.finish());
    Release { probe, ramp }
}

fn probe(release: &mut Reader<'_>, ramp: bool) -> Option<Probe> {
    let name = release.text("probe");
    let then = release.word("then", &[("propose", Then::Propose), ("do", Then::Do)]);
    let every = release.duration("every");
    let good = release.whole("good", 1, 1_000);
    if name.is_none() {
        for key in ["then", "every", "good"] {
            if release.has(key) {
                release.missing(
                    "probe",
                    said!(
                        "{key} sagt etwas über eine Probe. Schreiben Sie dazu probe = \"smtp\", oder lassen Sie {key} weg.",
                        "{key} says something about a probe. Write probe = \"smtp\" beside it, or leave {key} out."
                    ),
                );
                break;
            }
        }
    }
    Some(Probe {
        name: name?,
        rules: ProbeRules {
            every_ms: every.map_or(EVERY_MS, |every| Ms::try_from(every.as_millis()).unwrap_or(Ms::MAX)),
            good: good.unwrap_or(GOOD),
            then: then.unwrap_or(Then::Propose),
            ramp,
        },
    })
}

fn ramp(release: &mut Reader<'_>) -> Option<Ramp> {
    if !release.has("ramp") {
        return None;
    }
    let inner = release.table("ramp")?;
    let mut inner = Reader::new(&inner, &[]);
    let remedy = || {
        said!(
            "Schreiben Sie ramp = {{ start = \"200/min\", double = \"10m\" }}.",
            "Write ramp = {{ start = \"200/min\", double = \"10m\" }}."
        )
    };
    let (start, double) = (inner.rate("start"), inner.duration("double"));
    for key in ["start", "double"] {
        if !inner.has(key) {
            inner.missing(key, remedy());
        }
    }
    let per_domain = inner.rate("per_domain");
    release.absorb(inner.finish());
    Some(Ramp {
        start: start?,
        double_ms: Ms::try_from(double?.as_millis()).unwrap_or(Ms::MAX),
        per_domain,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::settings::Settings;
    use crate::store::Rate;

    fn read(release: &str) -> (Release, Vec<String>) {
        let text = format!(
            "[publisher.stadt]\nname = \"Stadt\"\n[channel.email]\nkind = \"email\"\nrelease = {{ {release} }}\n"
        );
        let (settings, problems) = Settings::of_text(Path::new("channels.toml"), &text, Path::new("data")).unwrap();
        let said = problems.iter().map(|problem| problem.line_for(false)).collect();
        (settings.channels["email"].common.release.clone(), said)
    }

    #[test]
    fn the_example_of_the_contract_and_what_is_left_out() {
        let (release, problems) = read(
            "probe = \"smtp\", then = \"propose\", ramp = { start = \"200/min\", double = \"10m\", per_domain = \"20/min\" }",
        );
        assert_eq!(problems, Vec::<String>::new());
        let ramp = release.ramp.unwrap();
        let per_minute = |count| Rate { count, per_ms: 60_000 };
        assert_eq!((ramp.start, ramp.per_domain), (per_minute(200), Some(per_minute(20))));
        let rules = release.probe.unwrap().rules;
        assert_eq!((rules.every_ms, rules.good, rules.then), (300_000, 3, Then::Propose));
        assert!(rules.ramp);
        assert_eq!(
            read("probe = \"smtp\", then = \"do\"").0.probe.unwrap().rules.then,
            Then::Do
        );
    }

    #[test]
    fn what_is_half_said_is_said_back() {
        for (release, words) in [
            ("then = \"do\"", "then says something about a probe"),
            ("probe = \"smtp\", then = \"perhaps\"", "perhaps"),
            ("ramp = { start = \"200/min\" }", "double"),
            ("ramp = { start = \"fast\", double = \"10m\" }", "fast"),
            ("probe = \"smtp\", often = \"1s\"", "often"),
        ] {
            let (_, problems) = read(release);
            assert!(problems.iter().any(|p| p.contains(words)), "{release}: {problems:?}");
        }
    }
}
