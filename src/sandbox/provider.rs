//! A fake service behind a listener that can be taken away, with faults on demand.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use futures_util::StreamExt;
use hyper::body::Incoming;
use tokio::sync::watch;

use super::books::Books;
use super::fault::{Fault, Faults};
use super::free_port;
use super::http::{Call, Reply};
use crate::clock::SharedClock;
use crate::web::listen::{Limits, Listening};

/// The page a proxy shows when what is behind it is away.
const PROXY_PAGE: &str = "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// The rules of one service.
pub trait Service: Send + Sync + 'static {
    /// Does what is asked and answers.
    fn answer(&self, call: &Call, books: &mut Books) -> Reply;
    /// "Too many requests", in the service's own form.
    fn too_many(&self, call: &Call, seconds: u32) -> Reply;
    /// Wrong credentials, in the service's own form.
    fn unauthorized(&self) -> Reply;
    /// After an answer, once the books are closed again: callbacks.
    fn afterwards(&self, _books: &BookKeeper) {}
}

/// Books that several hands write into; whoever waits for an entry is told.
#[derive(Debug, Clone, Default)]
pub struct BookKeeper {
    books: Arc<Mutex<Books>>,
    changed: Arc<watch::Sender<u64>>,
}

impl BookKeeper {
    /// Reads or writes; everybody who waits looks again.
    pub fn open<T>(&self, work: impl FnOnce(&mut Books) -> T) -> T {
        let result = work(&mut lock(&self.books));
        self.changed.send_modify(|n| *n += 1);
        result
    }

    /// A copy of the books now.
    pub fn copy(&self) -> Books {
        self.look(Books::clone)
    }

    /// Reads; nobody looks again for that.
    pub(super) fn look<T>(&self, work: impl FnOnce(&Books) -> T) -> T {
        work(&lock(&self.books))
    }

    /// Waits until the books are as asked.
    pub async fn until(&self, wanted: impl Fn(&Books) -> bool) -> Books {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            {
                let books = lock(&self.books);
                // Thousands of entries: copied once, not at every change.
                if wanted(&books) {
                    return books.clone();
                }
            }
            // The sender lives as long as this does.
            let _ = changed.changed().await;
        }
    }
}

/// A running (or stopped) fake service.
pub struct Provider<S> {
    addr: SocketAddr,
    service: Arc<S>,
    clock: SharedClock,
    faults: Arc<Mutex<Faults>>,
    keeper: BookKeeper,
    listening: tokio::sync::Mutex<Option<Listening>>,
    up: Arc<watch::Sender<bool>>,
}

/// What the page may look at.
#[derive(Clone)]
pub(super) struct View {
    pub(super) keeper: BookKeeper,
    faults: Arc<Mutex<Faults>>,
    up: Arc<watch::Sender<bool>>,
}

impl View {
    pub(super) fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        lock(&self.faults).current()
    }
}

/// The connection is cut without an answer.
#[derive(Debug, thiserror::Error)]
#[error("cut on demand")]
struct Cut;

impl<S: Service> Provider<S> {
    pub(super) async fn start(service: Arc<S>, clock: SharedClock) -> std::io::Result<Self> {
        let mut provider = Self {
            addr: free_port(),
            service,
            clock,
            faults: Arc::default(),
            keeper: BookKeeper::default(),
            listening: tokio::sync::Mutex::default(),
            up: Arc::new(watch::Sender::new(false)),
        };
        let listening = provider.listen().await?;
        provider.addr = listening.addr();
        *provider.listening.lock().await = Some(listening);
        provider.up.send_replace(true);
        Ok(provider)
    }

    /// `http://127.0.0.1:PORT`, the same after every start.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Its rules, for what only this service can do.
    pub fn service(&self) -> &S {
        &self.service
    }

    /// Closes the port: connections are refused, open ones cut.
    pub async fn stop(&self) {
        if let Some(listening) = self.listening.lock().await.take() {
            self.up.send_replace(false);
            listening.stop(Duration::ZERO).await;
        }
    }

    /// Opens the same port again; it remembers everything.
    pub async fn start_again(&self) -> std::io::Result<()> {
        let mut listening = self.listening.lock().await;
        if listening.is_none() {
            *listening = Some(super::once_free(|| self.listen()).await?);
            self.up.send_replace(true);
        }
        Ok(())
    }

    /// Every request meets this fault until [`Provider::heal`].
    pub fn fault(&self, fault: Fault) {
        lock(&self.faults).set(Some(fault), None);
    }

    /// The next requests meet this fault.
    pub fn fault_times(&self, fault: Fault, times: u32) {
        lock(&self.faults).set(Some(fault), Some(times));
    }

    /// No more faults.
    pub fn heal(&self) {
        lock(&self.faults).set(None, None);
    }

    /// A copy of the books now.
    pub fn books(&self) -> Books {
        self.keeper.copy()
    }

    /// Waits until the books are as asked.
    pub async fn until(&self, wanted: impl Fn(&Books) -> bool) -> Books {
        self.keeper.until(wanted).await
    }

    pub(super) fn view(&self) -> View {
        View {
            keeper: self.keeper.clone(),
            faults: self.faults.clone(),
            up: self.up.clone(),
        }
    }

    async fn listen(&self) -> std::io::Result<Listening> {
        let (service, clock) = (self.service.clone(), self.clock.clone());
        let (faults, keeper) = (self.faults.clone(), self.keeper.clone());
        let handler = move |request: Request<Incoming>| {
            let (service, faults) = (service.clone(), faults.clone());
            let (keeper, at_ms) = (keeper.clone(), clock.now_ms());
            async move {
                let call = Call::read(request, at_ms).await.ok_or(Cut)?;
                let fault = lock(&faults).next();
                meet(&*service, &keeper, &call, fault).await
            }
        };
        Listening::start(self.addr, Limits::default(), handler).await
    }
}

async fn meet<S: Service>(
    service: &S,
    keeper: &BookKeeper,
    call: &Call,
    fault: Option<Fault>,
) -> Result<Response<Body>, Cut> {
    let work = || {
        let reply = keeper.open(|books| service.answer(call, books));
        service.afterwards(keeper);
        reply
    };
    match fault {
        None => Ok(work().into_response(None)),
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::WorkAndHang) => {
            work();
            std::future::pending().await
        }
        Some(Fault::Unavailable) => Ok(Reply::html(503, PROXY_PAGE.to_owned()).into_response(None)),
        Some(Fault::TooMany { seconds }) => Ok(service.too_many(call, seconds).into_response(None)),
        Some(Fault::Unauthorized) => Ok(service.unauthorized().into_response(None)),
        Some(Fault::LoseAnswer) => {
            work();
            Err(Cut)
        }
        Some(Fault::CutAnswer) => {
            let reply = work();
            let half = Bytes::copy_from_slice(&reply.body.as_bytes()[..reply.body.len() / 2]);
            // What is cut at once never leaves the buffer; a moment lets the first half through.
            let cut = futures_util::stream::once(async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(Cut)
            });
            let pieces = futures_util::stream::iter([Ok(half)]).chain(cut);
            Ok(reply.into_response(Some(Body::from_stream(pieces))))
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while it was held would be a failed test; what it holds stays readable.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
