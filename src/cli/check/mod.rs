//! `rundruf check`: every setting, template, credential and counterpart, this machine, what still hangs on the own
//! domains, and what is left to people. It sends no message and changes nothing; each thing found says what to do.

mod channels;
mod counterparts;
mod incidents;
mod machine;
mod own_domains;
mod report;
mod store;

use clap::Args;

use super::output::{Failure, Output};
use super::{Globals, host};
use crate::app::{App, no_key};
use crate::publication::Office;
use crate::said;
use crate::secret::KeyFile;
pub use report::{Group, Level, Line, Report};

/// When it is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Right after `init`: what needs the network may wait, and nothing has been published yet.
    First,
    /// At any other time.
    Later,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// After the clock leapt forward: say that it is right now, so that messages out of time end again.
    #[arg(long)]
    pub clock_is_right: bool,
}

/// Runs the command: 0 where nothing is wrong, else 1.
pub async fn run(globals: &Globals, args: CheckArgs, out: &Output) -> Result<u8, Failure> {
    let app = App::load(&globals.config, &globals.data)?;
    if args.clock_is_right {
        return host::trust_the_clock(app, out).await;
    }
    let report = look(app, &globals.config.display().to_string(), Moment::Later).await?;
    report.print(out);
    out.answer(&report.json());
    Ok(u8::from(!report.ok()))
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
    let report = Report(vec![channels::group(office, name, Moment::Later).await]);
    report.print(out);
    out.answer(&report.json());
    Ok(u8::from(!report.ok()))
}

/// Looks at everything; `file` is the configuration as the person named it.
pub async fn look(app: App, file: &str, moment: Moment) -> Result<Report, Failure> {
    let office = std::sync::Arc::clone(&app.office);
    let mut groups = vec![settings(&office, file)];
    // What cannot be opened is one finding among others.
    let (open, closed) = match app.open_existing().await {
        Ok(Ok(open)) => (Some(open), None),
        Ok(Err(_)) => (None, None),
        Err(failure) => (None, Some(failure.said())),
    };
    groups.push(own_domains::group(&office, open.as_ref()).await?);
    for configured in office.channels.iter() {
        groups.push(channels::group(&office, &configured.settings.name, moment).await);
    }
    groups.extend(counterparts::group(&office, moment).await);
    groups.push(machine::group(&office));
    if let Some(open) = &open {
        groups.extend(
            incidents::group(open)
                .await
                .unwrap_or_else(|failure| Some(incidents::unread(&failure))),
        );
        groups.push(store::group(open).await);
    }
    groups.extend(closed.map(store::closed));
    Ok(Report(groups))
}

/// The configuration as far as it can be read without asking anybody.
fn settings(office: &Office, file: &str) -> Group {
    let mut lines = vec![Line::well(said!(
        "{file} und alle Vorlagen sind in Ordnung.",
        "{file} and all templates are fine."
    ))];
    let url = &office.settings.site_url;
    let private = url::Url::parse(url).is_ok_and(|url| own_domains::is_loopback(&url));
    if private {
        lines.push(Line::note(said!(
            "Die öffentliche Adresse {url} führt nur auf dieser Maschine zu etwas: Links und QR-Codes nützen sonst niemandem. Sobald es eine richtige gibt, unter [site] url eintragen.",
            "The public address {url} leads somewhere on this machine only: links and QR codes help nobody else. As soon as there is a real one, write it to [site] url."
        )));
    }
    for (id, publisher) in &office.settings.publishers {
        // Half an imprint is refused when the configuration is read.
        if publisher.imprint.is_some() {
            lines.push(Line::well(said!(
                "{id}: Das Impressum ist vollständig.",
                "{id}: the imprint is complete."
            )));
            continue;
        }
        let text = said!(
            "{id}: Es gibt kein Impressum; eine öffentliche Seite braucht eins. Bitte [publisher.{id}.imprint] ausfüllen: name, address, represented_by, phone, email, responsible.",
            "{id}: there is no imprint; a public page needs one. Please fill in [publisher.{id}.imprint]: name, address, represented_by, phone, email, responsible."
        );
        lines.push(if private { Line::note(text) } else { Line::wrong(text) });
    }
    lines.extend(office.settings.without_effect().into_iter().map(Line::note));
    lines.extend(public_key(office));
    Group::new("rundruf", said!("Konfiguration", "Configuration"), lines)
}

/// What others check copies of the site by, once there is a key.
fn public_key(office: &Office) -> Option<Line> {
    let file = KeyFile::new(office.settings.store.key_file.clone());
    let key = match file.key() {
        Ok(key) => key.signer().public(),
        // With a store it is missed there.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => return Some(Line::wrong(no_key(file.path(), &error).said())),
    };
    Some(Line::well(said!(
        "Öffentlicher Schlüssel der Seite: {key} (für rundruf verify --key; geben Sie ihn weiter, wo man Ihnen glaubt).",
        "Public key of the site: {key} (for rundruf verify --key; hand it on where you are believed)."
    )))
}
