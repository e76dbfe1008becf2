//! What dies with the city's own domains: every address of the configuration, of the audience files, and of what is published
//! now.

use std::collections::BTreeSet;

use url::{Host, Url};

use super::{Group, Line};
use crate::app::Open;
use crate::cli::output::Failure;
use crate::domain::delivery::Gate;
use crate::domain::incident::IncidentView;
use crate::domain::words::ContactState;
use crate::publication::{Office, audience, known_incidents};
use crate::said;
use crate::settings::raw::{Node, Place, RawTable, Value};
use crate::store::Person;

/// What hangs on them.
pub async fn group(office: &Office, open: Option<&Open>) -> Result<Group, Failure> {
    let mut lines = Vec::new();
    let domains: BTreeSet<&String> = office
        .settings
        .publishers
        .values()
        .flat_map(|p| &p.own_domains)
        .collect();
    for domain in &domains {
        settings(office, domain, &mut lines);
        audiences(office, domain, &mut lines);
    }
    if let Some(open) = open {
        published(open, &mut lines).await?;
    }
    if domains.is_empty() {
        lines.push(Line::note(said!(
            "Es ist keine eigene Domain genannt. Schreiben Sie unter [publisher.…] own_domains = [\"stadt.example\"]: dann steht hier, was mit ihr ausfällt.",
            "No domain of your own is named. Write own_domains = [\"city.example\"] under [publisher.…]: then this says what fails with it."
        )));
    } else if lines.is_empty() {
        lines.push(Line::well(said!(
            "Nichts hängt an den eigenen Domains.",
            "Nothing hangs on the own domains."
        )));
    }
    Ok(Group::new("site", said!("Eigene Domains", "Own domains"), lines))
}

fn settings(office: &Office, domain: &str, lines: &mut Vec<Line>) {
    let mut fields = Vec::new();
    walk(&office.settings.raw, &mut |field, text, place| {
        if hangs(text, domain) {
            fields.push((field.to_owned(), place.clone()));
        }
    });
    fields.dedup();
    lines.extend(fields.into_iter().map(|(field, place)| {
        let place = place.line.map(|line| format!(" ({}:{line})", place.source)).unwrap_or_default();
        if expected(office, &field) {
            return Line::note(said!(
                "{field}{place} hängt an {domain} und fällt mit der eigenen IT aus. Das ist hier zu erwarten; verlassen Sie sich im Ernstfall nicht darauf.",
                "{field}{place} hangs on {domain} and fails with your own IT. That is to be expected here; do not count on it when it matters."
            ));
        }
        Line::wrong(said!(
            "{field}{place} hängt an {domain}: Fällt die eigene IT aus, fällt das mit aus. Bitte eine Adresse außerhalb nehmen.",
            "{field}{place} hangs on {domain}: if your own IT fails, so does this. Please use an address elsewhere."
        ))
    }));
}

/// The imprint names the real mailbox whatever happens, and a channel that begins held is the city's own one: neither has to work in an
/// emergency, and a finding that stays red for ever would hide the others.
fn expected(office: &Office, field: &str) -> bool {
    let held = |name: &str| {
        let mut all = office.channels.iter().filter(|c| c.settings.name == name);
        all.any(|c| c.settings.common.gate == Some(Gate::Held))
    };
    let mut parts = field.split('.');
    match (parts.next(), parts.next()) {
        (Some("publisher"), _) => field.ends_with(".imprint.email"),
        (Some("channel"), Some(name)) => held(name),
        _ => false,
    }
}

fn audiences(office: &Office, domain: &str, lines: &mut Vec<Line>) {
    for configured in office.channels.iter() {
        let (name, common) = (&configured.settings.name, &configured.settings.common);
        let (mut all, mut count) = (0_u64, 0_u64);
        let tell = |person: Person, _: bool| {
            all += 1;
            count += u64::from(hangs(&person.address, domain));
        };
        let read = common
            .audience
            .as_deref()
            .map(|file| audience::each(file, &configured.built, tell));
        if !matches!(read, Some(Ok(()))) {
            // A file that cannot be read is named with its channel.
            continue;
        }
        if count > 0 {
            lines.push(Line::wrong(said!(
                "channel.{name}.audience: {count} von {all} Adressen hängen an {domain}; sie erreichen im Ernstfall niemanden. Bitte um Adressen außerhalb ergänzen.",
                "channel.{name}.audience: {count} of {all} addresses hang on {domain}; when it matters they reach nobody. Please add addresses elsewhere."
            )));
        }
    }
}

/// Contacts that are published as working, although they hang on a domain of the publisher.
async fn published(open: &Open, lines: &mut Vec<Line>) -> Result<(), Failure> {
    let now = open.office.clock.now();
    for known in known_incidents(open.store.as_ref(), None, open.office.clock.now_ms())
        .await?
        .iter()
        .filter(|i| !i.closed)
    {
        let Some(publisher) = open.office.publisher(&known.publisher) else {
            continue;
        };
        let Some(view) = IncidentView::fold(publisher, &known.notices, None, now) else {
            continue;
        };
        for (id, live) in &view.facts.contact {
            let fact = &live.fact;
            if matches!(fact.state, Some(ContactState::Off | ContactState::From)) {
                continue;
            }
            for address in fact.email.iter().chain(&fact.url) {
                let Some(domain) = publisher.own_domains.iter().find(|d| hangs(address, d)) else {
                    continue;
                };
                let slug = &view.slug;
                lines.push(Line::note(said!(
                    "In {slug} ist {address} veröffentlicht (contact.{id}) und hängt an {domain}. Geht das wirklich? Sonst mit rundruf new update den Stand ändern: state = \"off\".",
                    "In {slug} {address} is published (contact.{id}) and hangs on {domain}. Does it really work? Else change its state with rundruf new update: state = \"off\"."
                )));
            }
        }
    }
    Ok(())
}

/// Shows every text of a table, and of all tables below, to `see`: its field, the text, its place.
pub fn walk(raw: &RawTable, see: &mut dyn FnMut(&str, &str, &Place)) {
    for (key, node) in raw
        .entries
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "own_domains" | "official"))
    {
        texts(&raw.field(key), node, see);
    }
}

fn texts(field: &str, node: &Node, see: &mut dyn FnMut(&str, &str, &Place)) {
    match &node.value {
        Value::Text(text) => see(field, text, &node.place),
        Value::Table(below) => walk(below, see),
        Value::List(list) => list.iter().for_each(|node| texts(field, node, see)),
        Value::Whole(_) | Value::Broken(_) | Value::Flag(_) => {}
    }
}

/// Whether an address lies in a domain: a URL, a mail address with or without a name, a host with or without a port.
fn hangs(address: &str, domain: &str) -> bool {
    let host = match Url::parse(address.trim())
        .ok()
        .and_then(|u| u.host_str().map(str::to_owned))
    {
        Some(host) => host,
        None => {
            let after = address.rsplit('@').next().unwrap_or(address).trim();
            let end = after.find([':', '/', '>', ' ', ',']).unwrap_or(after.len());
            after[..end].to_owned()
        }
    };
    let (host, domain) = (host.trim_end_matches('.').to_lowercase(), domain.to_lowercase());
    host == domain || host.ends_with(&format!(".{domain}"))
}

/// True for an address that nobody but this machine can reach.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
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
            "Stadt Potsdam <presse@potsdam.example>",
            "smtp.potsdam.example:587",
            "ns1.potsdam.example.",
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
