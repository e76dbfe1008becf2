//! Delivery reports over HTTP: bounded, authenticated by their channel, committed before they are answered (LANES 7).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use futures_util::StreamExt;

use crate::channel::{Channel, ReceiptRefusal, ReceiptRequest};
use crate::clock;
use crate::store::{Receipt, StoreError};

/// Longest body; SMPP-to-HTTP reports are far below 4 KiB.
pub const BODY_BYTES: usize = 64 * 1024;
/// Longest query.
pub const QUERY_BYTES: usize = 8 * 1024;
/// Until a body is complete.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Stands for every channel that there is not, or that takes no reports.
const NO_CHANNEL: &str = "-";
/// Between two warnings about reports of one channel that are refused. Each one would fill the disk for whoever likes to send them.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// Where receipts are committed. Implemented over the store, where the lane's id is known.
#[async_trait]
pub trait ReceiptSink: Send + Sync {
    /// Returns when the receipts are committed; their gateway then forgets them.
    async fn commit(&self, channel: &str, receipts: Vec<Receipt>) -> Result<(), StoreError>;
}

/// The channels that take reports. Clones share them.
#[derive(Clone)]
pub struct Receipts {
    channels: Arc<BTreeMap<String, Arc<dyn Channel>>>,
    sink: Arc<dyn ReceiptSink>,
    refused: Arc<Mutex<BTreeMap<String, Refused>>>,
}

/// Reports of one channel that were refused.
#[derive(Debug, Default)]
struct Refused {
    /// Since the last warning.
    untold: u64,
    /// When that was.
    told: Option<Duration>,
}

impl Refused {
    /// One more; how many there were since the last warning, where it is time for another.
    fn one_more(&mut self, now: Duration) -> Option<u64> {
        self.untold += 1;
        if self.told.is_some_and(|at| now < at + WARN_EVERY) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

impl Receipts {
    /// Reports for these channels go to this sink.
    pub fn new(channels: BTreeMap<String, Arc<dyn Channel>>, sink: Arc<dyn ReceiptSink>) -> Self {
        Self {
            channels: Arc::new(channels),
            sink,
            refused: Arc::default(),
        }
    }

    /// Takes one report. 200: committed. Anything from 500 on makes gateways try again; below it they give up, so each of those is counted and
    /// warned about: without reports nobody knows what arrived.
    pub(super) async fn take(&self, channel: &str, request: Request<Body>) -> StatusCode {
        let Some(kind) = self.channels.get(channel) else {
            // A channel that was renamed, or strangers: its name is whatever they wrote.
            self.warn(NO_CHANNEL, StatusCode::NOT_FOUND);
            return StatusCode::NOT_FOUND;
        };
        let status = self.read(channel, kind.as_ref(), request).await;
        if status.is_client_error() {
            self.warn(channel, status);
        }
        status
    }

    fn warn(&self, channel: &str, status: StatusCode) {
        let labels = [("lane", channel.to_owned()), ("status", status.as_str().to_owned())];
        metrics::counter!("rundruf_receipts_refused_total", &labels).increment(1);
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let count = refused
            .entry(channel.to_owned())
            .or_default()
            .one_more(clock::running());
        if let Some(count) = count {
            tracing::warn!(
                channel,
                %status,
                count,
                "delivery reports refused; if the gateway sent them, check the address they go to and the signing secret"
            );
        }
    }

    async fn read(&self, channel: &str, kind: &dyn Channel, request: Request<Body>) -> StatusCode {
        let (head, body) = request.into_parts();
        let query = head.uri.query().unwrap_or_default();
        if query.len() > QUERY_BYTES {
            return StatusCode::URI_TOO_LONG;
        }
        let body = match bounded(body).await {
            Ok(body) => body,
            Err(status) => return status,
        };
        let request = ReceiptRequest {
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: plain(&head.headers),
            body,
        };
        let receipts = match kind.read_receipt(&request) {
            Ok(receipts) => receipts,
            Err(ReceiptRefusal::Forbidden) => return StatusCode::FORBIDDEN,
            Err(ReceiptRefusal::Malformed) => return StatusCode::BAD_REQUEST,
            Err(ReceiptRefusal::None) => return StatusCode::NOT_FOUND,
            Err(ReceiptRefusal::NotReady) => {
                tracing::error!(
                    channel,
                    "delivery reports cannot be told from forged ones: the key file is not readable; the gateway will try again"
                );
                return StatusCode::SERVICE_UNAVAILABLE;
            }
        };
        if receipts.is_empty() {
            return StatusCode::OK;
        }
        match self.sink.commit(channel, receipts).await {
            Ok(()) => StatusCode::OK,
            Err(error) => {
                tracing::error!(channel, %error, "delivery reports could not be stored; the gateway will try again");
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }
}

async fn bounded(body: Body) -> Result<Bytes, StatusCode> {
    let read = async {
        let mut whole = Vec::new();
        let mut pieces = body.into_data_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| StatusCode::BAD_REQUEST)?;
            if whole.len() + piece.len() > BODY_BYTES {
                return Err(StatusCode::PAYLOAD_TOO_LARGE);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.into())
    };
    tokio::time::timeout(BODY_TIME, read)
        .await
        .unwrap_or(Err(StatusCode::REQUEST_TIMEOUT))
}

/// Header names come in lower case already; values that are no text are left out.
fn plain(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_told_once_a_minute_with_its_number() {
        let mut refused = Refused::default();
        let at = Duration::from_secs;
        assert_eq!(refused.one_more(at(5)), Some(1), "the first at once");
        assert_eq!((0..99).filter_map(|_| refused.one_more(at(64))).count(), 0);
        assert_eq!(refused.one_more(at(65)), Some(100));
    }
}
