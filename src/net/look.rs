//! What a counterpart shows to anybody who comes by: its certificate and its clock. One request without credentials to the
//! top of the host; nothing is sent, whatever it answers.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::DATE;
use reqwest::tls::TlsInfo;
use rustls::CertificateError;
use url::Url;

use super::{Failure, Use, builder, certificate, date, in_words, sort};
use crate::said;
use crate::text::said::Said;

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// When its certificate ends; `None` without TLS.
    pub certificate_ends: Option<Timestamp>,
    /// What time it believes it is, to the second.
    pub date: Option<Timestamp>,
}

/// Why nothing was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unseen {
    /// Its certificate has run out.
    Expired,
    /// Its certificate does not hold yet.
    NotYetValid,
    /// Its certificate is for other names.
    OtherName,
    /// Nobody this machine trusts has signed its certificate.
    Untrusted,
    /// This machine has no certificates, so it trusts nobody.
    TrustsNobody,
    /// No answer.
    Failed(Failure),
}

/// Looks at the top of a host: `https://host:port/`.
pub async fn look(origin: &Url, timeout: Duration) -> Result<Seen, Unseen> {
    let usage = Use {
        timeout,
        concurrency: 1,
        reuse: false,
        // Addresses of our own configuration.
        private: true,
    };
    let failed = |text: Said| Unseen::Failed(Failure::NotConnected(text));
    let client = builder(usage).tls_info(true).build();
    let client = client.map_err(|e| failed(in_words(&e)))?;
    let answer = match tokio::time::timeout(timeout, client.head(origin.clone()).send()).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(certificate_fault(&error).unwrap_or_else(|| Unseen::Failed(sort(&error)))),
        Err(_) => {
            let nothing = said!("es kam nichts binnen {timeout:?}", "nothing came within {timeout:?}");
            return Err(failed(nothing));
        }
    };
    let shown = answer.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
    let date = answer.headers().get(DATE).and_then(|value| value.to_str().ok());
    Ok(Seen {
        certificate_ends: shown.and_then(certificate::ends_at),
        date: date
            .and_then(date::of_answer)
            .and_then(|ms| Timestamp::from_millisecond(ms).ok()),
    })
}

/// What is wrong with the certificate, where that is why there is no connection.
fn certificate_fault(error: &reqwest::Error) -> Option<Unseen> {
    let mut at: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = at {
        if let Some(rustls::Error::General(words)) = cause.downcast_ref()
            && words.contains(super::trust::NONE)
        {
            return Some(Unseen::TrustsNobody);
        }
        if let Some(rustls::Error::InvalidCertificate(fault)) = cause.downcast_ref() {
            return match fault {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Some(Unseen::Expired),
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Some(Unseen::NotYetValid)
                }
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    Some(Unseen::OtherName)
                }
                CertificateError::UnknownIssuer => Some(Unseen::Untrusted),
                _ => None,
            };
        }
        // An error of TLS comes within one of the connection, perhaps within another; these do not name it as their source.
        at = match cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    None
}
