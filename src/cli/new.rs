//! `rundruf new`: a notice to fill in, with everything in it that is known already.

use std::path::Path;

use clap::Args;

use super::Globals;
use super::output::{Failure, Output};
use crate::app::App;
use crate::domain::draft::KnownIncident;
use crate::domain::publisher::Publisher;
use crate::ids::is_slug;
use crate::publication::form::{Form, Occasion, form};
use crate::publication::{Office, known_incidents};
use crate::said;

/// Arguments of `new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// What it is to be; left out: the first notice, or an update where an incident is open.
    pub kind: Option<Form>,
    /// The incident; needed where more than one is open. With `first`: the id of the new one.
    #[arg(long, value_name = "ID")]
    pub incident: Option<String>,
    /// The publisher; needed where there are several and no incident is named.
    #[arg(long, value_name = "ID")]
    pub publisher: Option<String>,
}

/// Runs the command. It changes nothing; the file goes to standard output.
pub async fn run(globals: &Globals, args: NewArgs, out: &Output) -> Result<u8, Failure> {
    let (office, known) = load(&globals.config, &globals.data).await?;
    let publisher = publisher(&office, &known, &args)?;
    let mine: Vec<&KnownIncident> = known.iter().filter(|i| i.publisher == publisher.id).collect();
    let open: Vec<&KnownIncident> = mine.iter().copied().filter(|i| !i.closed).collect();
    let kind = args
        .kind
        .unwrap_or(if open.is_empty() { Form::First } else { Form::Update });
    let slug = args
        .incident
        .as_deref()
        .map(|name| name.rsplit('/').next().unwrap_or(name));
    let occasion = Occasion {
        publisher,
        several: office.settings.publishers.len() > 1,
        incidents: &mine,
        incident: match kind {
            Form::First => None,
            _ => belongs_to(&mine, &open, slug)?,
        },
        wanted: slug.filter(|_| kind == Form::First),
        now: office.clock.now(),
    };
    if let Some(slug) = occasion.wanted {
        unused(slug, &mine)?;
    }
    let filled = form(kind, &occasion).map_err(Failure::Refused)?;
    out.text(filled.notice.trim_end());
    out.answer(&filled);
    Ok(0)
}

/// Settings and incidents; without a store there are none yet.
async fn load(config: &Path, data: &Path) -> Result<(std::sync::Arc<Office>, Vec<KnownIncident>), Failure> {
    Ok(match App::load_existing(config, data).await? {
        Ok(open) => {
            let known = known_incidents(open.store.as_ref(), None, open.office.clock.now_ms()).await?;
            (open.office, known)
        }
        Err(app) => (app.office, Vec::new()),
    })
}

/// The publisher named, that of the incident named, or the only one.
fn publisher<'a>(office: &'a Office, known: &[KnownIncident], args: &NewArgs) -> Result<&'a Publisher, Failure> {
    let publishers = &office.settings.publishers;
    let list = || publishers.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let of_incident = || {
        let name = args.incident.as_deref()?;
        if let Some((publisher, _)) = name.split_once('/') {
            return Some(publisher);
        }
        let mut owners = known.iter().filter(|i| i.slug == name).map(|i| i.publisher.as_str());
        owners.next().filter(|_| owners.next().is_none())
    };
    let Some(id) = args.publisher.as_deref().or_else(of_incident) else {
        if let (1, Some(only)) = (publishers.len(), publishers.values().next()) {
            return Ok(only);
        }
        let list = list();
        return Err(Failure::Usage(said!(
            "Es sind mehrere Herausgeber eingerichtet: {list}. Bitte einen mit --publisher nennen.",
            "Several publishers are configured: {list}. Please name one with --publisher."
        )));
    };
    publishers.get(id).ok_or_else(|| {
        let list = list();
        Failure::Usage(said!(
            "Einen Herausgeber {id} gibt es nicht. Eingerichtet: {list}",
            "There is no publisher {id}. Configured: {list}"
        ))
    })
}

/// The incident named, or the only open one; `None` where none is open.
fn belongs_to<'a>(
    mine: &[&'a KnownIncident],
    open: &[&'a KnownIncident],
    slug: Option<&str>,
) -> Result<Option<&'a KnownIncident>, Failure> {
    let list = || open.iter().map(|i| i.slug.as_str()).collect::<Vec<_>>().join(", ");
    match (slug, open) {
        (Some(slug), _) => match mine.iter().find(|i| i.slug == slug) {
            Some(known) if known.closed => Err(Failure::Refused(said!(
                "Der Vorfall {slug} ist geschlossen. Wieder öffnen: rundruf incident reopen {slug}",
                "The incident {slug} is closed. To open it again: rundruf incident reopen {slug}"
            ))),
            Some(known) => Ok(Some(known)),
            None => {
                let list = list();
                Err(Failure::Refused(said!(
                    "Einen Vorfall {slug} gibt es nicht. Offen sind: {list}",
                    "There is no incident {slug}. Open are: {list}"
                )))
            }
        },
        (None, [] | [_]) => Ok(open.first().copied()),
        (None, _) => {
            let list = list();
            Err(Failure::Usage(said!(
                "Mehrere Vorfälle sind offen: {list}. Bitte einen mit --incident nennen.",
                "Several incidents are open: {list}. Please name one with --incident."
            )))
        }
    }
}

/// The id of a new incident: possible, and not taken.
fn unused(slug: &str, mine: &[&KnownIncident]) -> Result<(), Failure> {
    if !is_slug(slug) {
        return Err(Failure::Usage(said!(
            "„{slug}“ ist keine Kennung. Erlaubt sind Kleinbuchstaben a bis z, Ziffern, _ und -, zum Beispiel 2023-01-it.",
            "\"{slug}\" is no id. Allowed are small letters a to z, digits, _ and -, such as 2023-01-it."
        )));
    }
    if mine.iter().any(|i| i.slug == slug) {
        return Err(Failure::Refused(said!(
            "Den Vorfall {slug} gibt es schon. Die nächste Meldung dazu: rundruf new update --incident {slug}",
            "The incident {slug} is there already. Its next notice: rundruf new update --incident {slug}"
        )));
    }
    Ok(())
}
