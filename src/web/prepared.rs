//! A site made ready to be answered from memory: for every address the codings, entity tags and headers, made once per content.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::encoding::{self, Coding, Effort};
use crate::formats::{CACHE_CONTROL, Site, SiteFile};

/// Smaller bodies fit one packet with their headers; compressing them wins nothing.
const WORTH_COMPRESSING: usize = 512;

/// The whole site by address (`/potsdam/`).
#[derive(Debug, Default)]
pub(super) struct Prepared {
    slots: HashMap<Box<str>, Slot>,
    /// `404.html`, if the site has one.
    pub(super) not_found: Option<Arc<Page>>,
}

/// What is at an address.
#[derive(Debug, Clone)]
pub(super) enum Slot {
    /// A file.
    Page(Arc<Page>),
    /// Elsewhere, relative to here.
    Moved(Box<str>),
}

/// A file in all its codings.
#[derive(Debug)]
pub(super) struct Page {
    media_type: &'static str,
    /// Machines of other sites may read it.
    pub(super) cors: bool,
    identity: Representation,
    /// Compressed quickly: a new notice must not wait for it.
    brotli: Option<Representation>,
    /// Compressed as small as can be, once there was time.
    small: OnceLock<Representation>,
    gzip: Option<Representation>,
}

/// One coding of a file: its bytes and the headers that go with them.
#[derive(Debug)]
pub(super) struct Representation {
    pub(super) bytes: Bytes,
    pub(super) etag: HeaderValue,
    pub(super) headers: HeaderMap,
}

impl Prepared {
    /// Makes a site ready. What is unchanged since `old` is taken over with its compressed forms. Takes as long as the
    /// compressing takes: call it where blocking is allowed.
    pub(super) fn new(site: &Site, old: &Self, csp: &HeaderValue) -> Self {
        let mut slots = HashMap::with_capacity(site.files.len() * 2);
        for (path, file) in &site.files {
            let address = address(path);
            let page = old
                .reuse(&address, path, file)
                .unwrap_or_else(|| Arc::new(Page::new(file, takes_cors(path), csp)));
            for (at, to) in detours(&address, path) {
                // A real file of that name wins, whichever comes first.
                slots.entry(at).or_insert(Slot::Moved(to));
            }
            slots.insert(address, Slot::Page(page));
        }
        for (at, to) in duties(&slots) {
            slots.entry(at).or_insert(Slot::Moved(to));
        }
        let not_found = match slots.get("/404.html") {
            Some(Slot::Page(page)) => Some(page.clone()),
            _ => None,
        };
        Self { slots, not_found }
    }

    /// Every page, those with the shortest addresses first.
    pub(super) fn pages(&self) -> Vec<Arc<Page>> {
        let mut all: Vec<_> = self
            .slots
            .iter()
            .filter_map(|(at, slot)| match slot {
                Slot::Page(page) => Some((at, page)),
                Slot::Moved(_) => None,
            })
            .collect();
        all.sort_by_key(|(at, _)| (at.matches('/').count(), at.len()));
        all.into_iter().map(|(_, page)| Arc::clone(page)).collect()
    }

    /// What is at this address (decoded, with its leading slash).
    pub(super) fn at(&self, address: &str) -> Option<&Slot> {
        self.slots.get(address)
    }

    fn reuse(&self, address: &str, path: &str, file: &SiteFile) -> Option<Arc<Page>> {
        let Some(Slot::Page(page)) = self.slots.get(address) else {
            return None;
        };
        let same =
            page.media_type == file.media_type && page.cors == takes_cors(path) && page.identity.bytes == file.bytes;
        same.then(|| page.clone())
    }
}

impl Page {
    fn new(file: &SiteFile, cors: bool, csp: &HeaderValue) -> Self {
        let hash: [u8; 32] = Sha256::digest(&file.bytes).into();
        let compress = file.bytes.len() >= WORTH_COMPRESSING && compressible(file.media_type);
        let represent = |bytes: Bytes, coding| Representation::new(bytes, coding, &hash, file.media_type, cors, csp);
        let brotli = compress.then(|| encoding::brotli(&file.bytes, Effort::Quick));
        let gzip = compress.then(|| encoding::gzip(&file.bytes));
        Self {
            media_type: file.media_type,
            cors,
            identity: represent(file.bytes.clone(), Coding::Identity),
            brotli: brotli.flatten().map(|b| represent(b, Coding::Brotli)),
            gzip: gzip.flatten().map(|b| represent(b, Coding::Gzip)),
            small: OnceLock::new(),
        }
    }

    /// Compresses as small as can be; takes a hundred times as long as quickly.
    pub(super) fn shrink(&self) {
        if let (Some(quick), None) = (&self.brotli, self.small.get()) {
            let bytes = encoding::brotli(&self.identity.bytes, Effort::Best);
            let better = bytes.filter(|bytes| bytes.len() < quick.bytes.len());
            self.small
                .get_or_init(|| quick.with(better.unwrap_or_else(|| quick.bytes.clone())));
        }
    }

    /// The representation for these request headers.
    pub(super) fn choose(&self, headers: &HeaderMap) -> &Representation {
        match encoding::negotiate(headers, self.brotli.is_some(), self.gzip.is_some()) {
            Coding::Brotli => self.small.get().or(self.brotli.as_ref()),
            Coding::Gzip => self.gzip.as_ref(),
            Coding::Identity => None,
        }
        .unwrap_or(&self.identity)
    }
}

impl Representation {
    /// The same content, compressed otherwise.
    fn with(&self, bytes: Bytes) -> Self {
        let mut headers = self.headers.clone();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        Self {
            bytes,
            etag: self.etag.clone(),
            headers,
        }
    }

    fn new(
        bytes: Bytes,
        coding: Coding,
        hash: &[u8; 32],
        media_type: &'static str,
        cors: bool,
        csp: &HeaderValue,
    ) -> Self {
        // The tag names content and coding, not the compressor's effort: nobody asks for parts of a compressed page, and a page
        // that is compressed better a second later need not be fetched again.
        let suffix = match coding {
            Coding::Brotli => "-br",
            Coding::Gzip => "-gz",
            Coding::Identity => "",
        };
        let mut tag = String::with_capacity(40);
        tag.push('"');
        for byte in &hash[..16] {
            tag.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            tag.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        tag.push_str(suffix);
        tag.push('"');
        let etag = HeaderValue::try_from(tag).expect("quotes, hex digits and two letters are always a header value");

        let mut headers = HeaderMap::with_capacity(12);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        headers.insert(header::ETAG, etag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE_CONTROL));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        let name = match coding {
            Coding::Brotli => Some("br"),
            Coding::Gzip => Some("gzip"),
            Coding::Identity => None,
        };
        if let Some(name) = name {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        if cors {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            // Else a script of another site does not see the tag it is to ask with.
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("ETag"));
        }
        super::public::protect(&mut headers, csp);
        Self { bytes, etag, headers }
    }
}

/// `potsdam/index.html` is at `/potsdam/`, every other file under its name.
fn address(path: &str) -> Box<str> {
    match path.strip_suffix("index.html") {
        Some(folder) if folder.is_empty() || folder.ends_with('/') => format!("/{folder}").into(),
        _ => format!("/{path}").into(),
    }
}

/// Other ways people write a folder's address, and where they lead: relative, so that they also hold under a proxy's prefix.
fn detours(address: &str, path: &str) -> Vec<(Box<str>, Box<str>)> {
    let Some(bare) = address.strip_suffix('/') else {
        return Vec::new();
    };
    let mut detours = vec![(format!("/{path}").into(), "./".into())];
    if let Some((_, last)) = bare.rsplit_once('/') {
        detours.push((bare.into(), format!("{last}/").into()));
    }
    detours
}

/// The pages that the law asks for, where people type them: at the root too, as long as there is one publisher they can be of.
fn duties(slots: &HashMap<Box<str>, Slot>) -> Vec<(Box<str>, Box<str>)> {
    let mut detours = Vec::new();
    for duty in ["imprint", "privacy", "accessibility"] {
        let end = format!("/{duty}/");
        // `/potsdam/imprint/`, not `/en/potsdam/imprint/`.
        let mut publishers = slots.keys().filter_map(|at| {
            let publisher = at.strip_suffix(&*end)?.strip_prefix('/')?;
            (!publisher.is_empty() && !publisher.contains('/')).then_some(publisher)
        });
        if let (Some(publisher), None) = (publishers.next(), publishers.next()) {
            detours.push((format!("/{duty}").into(), format!("{publisher}/{duty}/").into()));
            detours.push((end.into(), format!("../{publisher}/{duty}/").into()));
        }
    }
    detours
}

/// Machines of other sites may read these.
fn takes_cors(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.starts_with(".well-known/")
        || matches!(name, "feed.rss" | "feed.atom" | "feed.json" | "cap.atom" | "state.json")
        || path.contains("/cap/")
}

/// Pictures and fonts are compressed already.
fn compressible(media_type: &str) -> bool {
    let kind = media_type.split(';').next().unwrap_or(media_type).trim();
    kind.starts_with("text/")
        || kind.ends_with("+xml")
        || kind.ends_with("+json")
        || matches!(kind, "application/json" | "application/xml" | "application/javascript")
}
