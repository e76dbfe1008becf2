//! `rundruf check`: every setting, template, credential and counterpart, and what still hangs on the own domains.
//! Sends no message.

use serde_json::json;

use super::Globals;
use super::output::{Failure, Output, wrap};
use crate::app::App;
use crate::channel::{Built, Finding};
use crate::publication::{Office, audience};
use crate::said;

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
                    text: crate::text::said::Said {
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
    all
}

/// What dies with the city's own domains: each address of the configuration that lies in one of them.
fn own_domains(office: &Office) -> Vec<Finding> {
    let mut found = Vec::new();
    for publisher in office.settings.publishers.values() {
        for domain in &publisher.own_domains {
            let hangs = |address: &str| {
                let host = url::Url::parse(address)
                    .ok()
                    .and_then(|u| u.host_str().map(str::to_owned));
                host.is_some_and(|h| h == *domain || h.ends_with(&format!(".{domain}")))
            };
            let mut add = |what: String| {
                found.push(Finding {
                    ok: false,
                    text: said!(
                        "{what} hängt an {domain}. Fällt die Domain aus, fällt das mit aus; bitte eine fremde Adresse nehmen.",
                        "{what} hangs on {domain}. If the domain fails, so does this; please use an address elsewhere."
                    ),
                });
            };
            if hangs(&office.settings.site_url) {
                add("site.url".to_owned());
            }
            for configured in office.channels.iter() {
                let account = &configured.spec.account;
                if hangs(account) || account.ends_with(&format!("@{domain}")) {
                    add(format!("channel.{}", configured.settings.name));
                }
                for target in configured.spec.targets.iter().filter(|t| hangs(&t.address)) {
                    add(format!("channel.{}: {}", configured.settings.name, target.address));
                }
            }
            if publisher
                .imprint
                .as_ref()
                .is_some_and(|i| i.email.ends_with(&format!("@{domain}")) || i.email.ends_with(&format!(".{domain}")))
            {
                add(format!("publisher.{}.imprint.email", publisher.id));
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
            let mark = if finding.ok {
                out.coloured("✓", 32)
            } else {
                out.coloured("✗", 31)
            };
            for (n, line) in wrap(&format!("{name}: {}", finding.text.in_german(out.german)), 76)
                .iter()
                .enumerate()
            {
                out.text(&if n == 0 {
                    format!("{mark} {line}")
                } else {
                    format!("  {line}")
                });
            }
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
