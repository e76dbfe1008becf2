//! `rundruf check`: every setting, template, credential and counterpart, and what still hangs on the own domains.
//! Sends no message.

use std::collections::BTreeSet;

use serde_json::json;

use super::Globals;
use super::output::{Failure, Output};
use crate::app::App;
use crate::channel::{Built, Finding};
use crate::publication::{Office, audience};
use crate::said;
use crate::secret::KeyFile;
use crate::settings::raw::{Place, RawTable, Value};
use crate::text::said::Said;

/// Runs the command: 0 where all is well, else 1.
pub async fn run(globals: &Globals, out: &Output) -> Result<u8, Failure> {
    let app = App::load(&globals.config, &globals.data)?;
    let office = &app.office;
    let file = globals.config.display();
    let mut groups = vec![(
        "rundruf".to_owned(),
        vec![Finding {
            ok: true,
            text: said!(
                "{file} und alle Vorlagen sind in Ordnung.",
                "{file} and all templates are fine."
            ),
        }],
    )];
    groups.push(("site".to_owned(), own_domains(office)));
    groups[0].1.extend(public_key(office)?);
    for configured in office.channels.iter() {
        groups.push((
            configured.settings.name.clone(),
            findings(office, &configured.settings.name).await,
        ));
    }
    if app.has_store() {
        let open = app.open().await?;
        groups.push(("store".to_owned(), store(&open).await?));
    }
    Ok(print(&groups, out))
}

/// `channel test NAME`.
pub async fn one(office: &Office, name: &str, out: &Output) -> Result<u8, Failure> {
    if !office.channels.iter().any(|c| c.settings.name == name) {
        let list = office
            .channels
            .iter()
            .map(|c| c.settings.name.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        return Err(Failure::Usage(said!(
            "Einen Kanal {name} gibt es nicht. Eingerichtet: {list}",
            "There is no channel {name}. Configured: {list}"
        )));
    }
    Ok(print(&[(name.to_owned(), findings(office, name).await)], out))
}

async fn findings(office: &Office, name: &str) -> Vec<Finding> {
    let mut all = Vec::new();
    for configured in office.channels.iter().filter(|c| c.settings.name == name) {
        if let Some(file) = &configured.settings.common.audience {
            match audience::read(file) {
                Ok(people) => {
                    let count = people.len();
                    all.push(Finding {
                        ok: true,
                        text: said!("{count} Empfänger in der Liste.", "{count} recipients in the file."),
                    });
                }
                Err(problems) => all.extend(problems.iter().map(|p| Finding {
                    ok: false,
                    text: Said {
                        de: p.line_for(true),
                        en: p.line_for(false),
                    },
                })),
            }
        }
        match &configured.built {
            Built::Messages(channel) => all.extend(channel.check().await),
            Built::Website(targets) => {
                for target in targets {
                    all.extend(target.check().await);
                }
            }
        }
    }
    // A counterpart that cannot be reached fails every question in the same words; once is enough.
    all.dedup_by(|a, b| a.ok == b.ok && a.text == b.text);
    all
}

/// What others check copies of the site by, once there is a key.
fn public_key(office: &Office) -> Result<Option<Finding>, Failure> {
    let key_file = &office.settings.store.key_file;
    if !key_file.is_file() {
        return Ok(None);
    }
    let key = KeyFile::new(key_file.clone()).key()?.signer().public();
    Ok(Some(Finding {
        ok: true,
        text: said!(
            "Öffentlicher Schlüssel der Seite: {key} (für rundruf verify --key; geben Sie ihn weiter, wo man Ihnen glaubt).",
            "Public key of the site: {key} (for rundruf verify --key; hand it on where you are believed)."
        ),
    }))
}

/// What dies with the city's own domains: every address of the configuration, and of the audience files, that lies in one.
fn own_domains(office: &Office) -> Vec<Finding> {
    let mut found = Vec::new();
    let domains: BTreeSet<&String> = office
        .settings
        .publishers
        .values()
        .flat_map(|p| &p.own_domains)
        .collect();
    for domain in domains {
        let mut fields = Vec::new();
        table(&office.settings.raw, domain, &mut fields);
        found.extend(fields.into_iter().map(|(field, place)| {
            let place = place.line.map(|line| format!(" ({}:{line})", place.source)).unwrap_or_default();
            Finding {
                ok: false,
                text: said!(
                    "{field}{place} hängt an {domain}: Fällt die eigene IT aus, fällt das mit aus. Bitte eine Adresse außerhalb nehmen.",
                    "{field}{place} hangs on {domain}: if your own IT fails, so does this. Please use an address elsewhere."
                ),
            }
        }));
        for configured in office.channels.iter() {
            // A file that cannot be read is named with its channel.
            let people = configured
                .settings
                .common
                .audience
                .as_deref()
                .and_then(|file| audience::read(file).ok())
                .unwrap_or_default();
            let (name, all) = (&configured.settings.name, people.len());
            let count = people.iter().filter(|p| hangs(&p.address, domain)).count();
            if count > 0 {
                found.push(Finding {
                    ok: false,
                    text: said!(
                        "channel.{name}.audience: {count} von {all} Adressen hängen an {domain}; sie erreichen im Ernstfall niemanden. Bitte um Adressen außerhalb ergänzen.",
                        "channel.{name}.audience: {count} of {all} addresses hang on {domain}; when it matters they reach nobody. Please add addresses elsewhere."
                    ),
                });
            }
        }
    }
    if found.is_empty() {
        found.push(Finding {
            ok: true,
            text: said!(
                "Nichts hängt an den eigenen Domains.",
                "Nothing hangs on the own domains."
            ),
        });
    }
    found
}

/// The fields of a table, and of all tables below, whose address lies in `domain`. Values are not told: one may be a secret.
fn table(raw: &RawTable, domain: &str, found: &mut Vec<(String, Place)>) {
    for (key, node) in raw.entries.iter().filter(|(key, _)| *key != "own_domains") {
        match &node.value {
            Value::Text(text) if hangs(text, domain) => found.push((raw.field(key), node.place.clone())),
            Value::Table(below) => table(below, domain, found),
            Value::List(list) => {
                for node in list {
                    match &node.value {
                        Value::Text(text) if hangs(text, domain) => found.push((raw.field(key), node.place.clone())),
                        Value::Table(below) => table(below, domain, found),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

/// Whether an address (URL, mail address, host, host and port) lies in a domain.
fn hangs(address: &str, domain: &str) -> bool {
    let host = match url::Url::parse(address)
        .ok()
        .and_then(|u| u.host_str().map(str::to_owned))
    {
        Some(host) => host,
        None => {
            let after = address.rsplit('@').next().unwrap_or(address);
            after.split([':', '/']).next().unwrap_or(after).to_owned()
        }
    };
    let (host, domain) = (host.to_lowercase(), domain.to_lowercase());
    host == domain || host.ends_with(&format!(".{domain}"))
}

async fn store(open: &crate::app::Open) -> Result<Vec<Finding>, Failure> {
    use crate::store::Board;
    let identity = open.store.identity().await?;
    let wrong = open.store.recount().await?;
    let (schema, instance) = (identity.schema, identity.instance);
    let mut all = vec![Finding {
        ok: !identity.moved,
        text: if identity.moved {
            said!(
                "Der Speicher ist als umgezogen vermerkt und sendet nicht.",
                "The store is marked as moved and does not send."
            )
        } else {
            said!(
                "Speicher in Ordnung (Schema {schema}, Instanz {instance}).",
                "Store is fine (schema {schema}, instance {instance})."
            )
        },
    }];
    if !wrong.is_empty() {
        let count = wrong.len();
        all.push(Finding {
            ok: false,
            text: said!(
                "{count} Zähler stimmen nicht mit den Zeilen überein.",
                "{count} counters differ from their rows."
            ),
        });
    }
    Ok(all)
}

fn print(groups: &[(String, Vec<Finding>)], out: &Output) -> u8 {
    let ok = groups.iter().all(|(_, all)| all.iter().all(|f| f.ok));
    for (name, all) in groups {
        for finding in all {
            let Said { de, en } = &finding.text;
            out.point(finding.ok, &said!("{name}: {de}", "{name}: {en}"));
        }
    }
    let list: Vec<_> = groups
        .iter()
        .flat_map(|(name, all)| {
            all.iter()
                .map(move |f| json!({ "about": name, "ok": f.ok, "text": f.text.en }))
        })
        .collect();
    out.answer(&json!({ "ok": ok, "findings": list }));
    u8::from(!ok)
}

#[cfg(test)]
mod tests {
    use super::hangs;

    #[test]
    fn an_address_lies_in_a_domain_or_below_it() {
        for address in [
            "https://potsdam.example/x",
            "sftp://u@web.potsdam.example",
            "it@mail.Potsdam.example",
            "smtp.potsdam.example:587",
        ] {
            assert!(hangs(address, "potsdam.example"), "{address}");
        }
        for address in [
            "https://notpotsdam.example/",
            "it@potsdam.example.org",
            "file:potsdam.example.d",
            "115",
        ] {
            assert!(!hangs(address, "potsdam.example"), "{address}");
        }
    }
}
