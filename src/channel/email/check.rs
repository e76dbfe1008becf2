//! `check` of a mail channel: connects, protects, logs in, asks whether our sender is welcome. Sends no mail.

use tokio::time::Instant;

use super::keys::is_loopback;
use super::session::Protection;
use super::{Email, maildir, reply};
use crate::channel::Finding;
use crate::channel::http::{unwell, well};
use crate::clock::{Clock, SystemClock};
use crate::net::certificate;
use crate::said;
use crate::text::said::{Said, system};

/// A certificate that ends sooner than this many days is worth a word.
const SOON_DAYS: i64 = 21;

/// What there is to say about the channel.
pub(super) async fn findings(email: &Email) -> Vec<Finding> {
    let server = &email.pool.server;
    let who = format!("{}:{}", server.host, server.port);
    let mut all = Vec::new();
    if server.protection == Protection::None && !is_loopback(&server.host) {
        all.push(Finding {
            ok: false,
            text: said!(
                "{who}: tls = \"none\" schickt Mails und Passwort offen über das Netz. Bitte starttls oder tls.",
                "{who}: tls = \"none\" sends mails and password over the net for all to read. Use starttls or tls."
            ),
        });
    }
    if !email.site_url.starts_with("https:") {
        all.push(Finding {
            ok: false,
            text: said!(
                "site.url ist keine https-Adresse: Das Abmelden mit einem Klick (RFC 8058) fehlt in den Mails, große Anbieter verlangen es.",
                "site.url is no https address: one-click unsubscribe (RFC 8058) is missing in the mails, and large providers ask for it."
            ),
        });
    }
    if let Some(signers) = &email.signers {
        let record = signers.dkim.record();
        all.push(well(said!(
            "Mails werden signiert. Im DNS muss stehen: {record}",
            "Mails are signed. The DNS must say: {record}"
        )));
    }
    if let Some(folder) = &email.returns {
        let shown = folder.display();
        all.push(match maildir::try_out(folder) {
            Ok(()) => well(said!("Was zurückkommt, wird in {shown} gelesen.", "What comes back is read in {shown}.")),
            Err((part, error)) => {
                let (shown, Said { de, en }) = (part.display(), system(&error));
                let text = said!(
                    "In {shown} lässt sich nicht lesen und schreiben: {de}. Was zurückkommt, bliebe liegen. Nötig ist ein Maildir (Ordner tmp, new, cur), in dem der Benutzer, unter dem rundruf läuft, lesen und schreiben darf (chown, chmod).",
                    "{shown} cannot be read and written: {en}. What comes back would be left lying. It has to be a Maildir (folders tmp, new, cur) in which the user that rundruf runs as may read and write (chown, chmod)."
                );
                Finding { ok: false, text }
            }
        });
    }
    let deadline = Instant::now() + email.timeout;
    let mut session = match server.connect(deadline).await {
        Ok(session) => session,
        Err(fault) => {
            all.push(unwell(&server.host, &reply::sort(&server.host, &fault, 1, 0)));
            return all;
        }
    };
    let login = server.login.is_some();
    all.push(match (server.protection, login) {
        (Protection::None, false) => well(said!("{who} antwortet.", "{who} answers.")),
        (Protection::None, true) => well(said!(
            "{who} nimmt die Zugangsdaten an.",
            "{who} takes the credentials."
        )),
        (_, false) => well(said!("{who} antwortet, verschlüsselt.", "{who} answers, encrypted.")),
        (_, true) => well(said!(
            "{who} nimmt die Zugangsdaten an, verschlüsselt.",
            "{who} takes the credentials, encrypted."
        )),
    });
    all.extend(session.certificate().and_then(|der| expiry(&who, &der)));
    let sender = &email.letterhead.from.email;
    all.push(match session.try_sender(sender, deadline).await {
        Ok(()) => well(said!(
            "{who} nimmt {sender} als Absender an.",
            "{who} takes {sender} as sender."
        )),
        Err(fault) => unwell(&server.host, &reply::sort(&server.host, &fault, 1, 0)),
    });
    session.quit().await;
    all
}

fn expiry(who: &str, der: &[u8]) -> Option<Finding> {
    let ends = certificate::ends_at(der)?;
    let days = (ends.as_millisecond() - SystemClock.now_ms()).div_euclid(86_400_000);
    let (de, en) = (ends.strftime("%d.%m.%Y"), ends.strftime("%-d %B %Y"));
    Some(Finding {
        ok: days > SOON_DAYS,
        text: said!(
            "Das Zertifikat von {who} gilt bis {de}.",
            "The certificate of {who} ends on {en}."
        ),
    })
}
