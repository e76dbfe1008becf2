//! The probe `smtp` (LANES 5): connects, protects, logs in, and sends a mail to ourselves where a canary is configured. In a session of its
//! own, so that a kept one does not hide that nobody new gets in.

use lettre::Address;
use tokio::time::Instant;

use super::{Email, reply};
use crate::channel::http::{self, report};
use crate::clock::Ms;
use crate::domain::outcome::{Outcome, Reason, Remote, Report};
use crate::ids::LaneId;
use crate::said;

/// One look.
pub(super) async fn look(email: &Email, lane: LaneId, now: Ms) -> Report {
    let deadline = Instant::now() + email.timeout;
    let server = &email.pool.server;
    let who = email.who();
    let mut session = match server.connect(deadline).await {
        Ok(session) => session,
        Err(fault) => return reply::sort(who, &fault, 1, now),
    };
    let report = match &email.canary {
        Some(canary) => match canary_mail(email, lane, canary, now).await {
            Ok(parcel) => match session.hand_over(&parcel, deadline).await {
                Ok(taken) => {
                    let code = taken.code;
                    http::delivered(
                        Remote::default(),
                        said!(
                            "{who} hat die Mail an {canary} angenommen ({code})",
                            "{who} took the mail to {canary} ({code})"
                        ),
                    )
                }
                Err(fault) => reply::sort(who, &fault, 1, now),
            },
            Err(report) => report,
        },
        None => match session.try_sender(&email.letterhead.from.email, deadline).await {
            Ok(()) => http::delivered(
                Remote::default(),
                said!(
                    "{who} antwortet und nimmt unseren Absender an",
                    "{who} answers and takes our sender"
                ),
            ),
            Err(fault) => reply::sort(who, &fault, 1, now),
        },
    };
    session.quit().await;
    report
}

async fn canary_mail(email: &Email, lane: LaneId, to: &Address, now: Ms) -> Result<super::Parcel, Report> {
    let letter = match email.key.key() {
        Ok(key) => email.letterhead.canary(key, lane, to.clone(), now),
        Err(error) => return Err(http::no_key(&error)),
    };
    email.parcel(letter, now).await.map_err(|error| {
        let text = said!(
            "die Mail ließ sich nicht signieren: {error}",
            "the mail could not be signed: {error}"
        );
        report(Outcome::Transient, Reason::Local, text)
    })
}
