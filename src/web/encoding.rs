//! Which content coding a client gets (RFC 9110, section 12.5.3), and how the codings are made.

use std::io::Write;

use axum::http::{HeaderMap, header};
use bytes::Bytes;

/// A content coding that pages are kept in, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// `br`.
    Brotli,
    /// `gzip`.
    Gzip,
    /// As it is.
    Identity,
}

/// How much work a brotli stream is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effort {
    /// A millisecond a page.
    Quick,
    /// Quality 11.
    Best,
}

/// The coding with the highest weight among those that are there; equal weights: the smallest. A client that refuses everything
/// gets the plain file all the same: a reader with an odd proxy needs the page more than a 406.
pub(super) fn negotiate(headers: &HeaderMap, brotli: bool, gzip: bool) -> Coding {
    let mut weights = Weights::default();
    for value in headers.get_all(header::ACCEPT_ENCODING) {
        for part in value.to_str().unwrap_or_default().split(',') {
            weights.take(part);
        }
    }
    let (br, gz) = (weights.of(weights.br), weights.of(weights.gzip));
    let plain = weights.of(weights.identity);
    if brotli && br > 0 && br >= plain && (!gzip || br >= gz) {
        Coding::Brotli
    } else if gzip && gz > 0 && gz >= plain {
        Coding::Gzip
    } else {
        Coding::Identity
    }
}

/// Weights in thousandths.
#[derive(Default)]
struct Weights {
    br: Option<u16>,
    gzip: Option<u16>,
    identity: Option<u16>,
    any: Option<u16>,
}

impl Weights {
    fn take(&mut self, part: &str) {
        let (name, parameters) = part.split_once(';').unwrap_or((part, ""));
        let (name, weight) = (name.trim(), weight(parameters));
        let place = match name {
            _ if name.eq_ignore_ascii_case("br") => &mut self.br,
            _ if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => &mut self.gzip,
            _ if name.eq_ignore_ascii_case("identity") => &mut self.identity,
            "*" => &mut self.any,
            _ => return,
        };
        *place = Some(weight);
    }

    /// What is not named has the weight of `*`, or is not wanted.
    fn of(&self, named: Option<u16>) -> u16 {
        named.or(self.any).unwrap_or(0)
    }
}

/// `q=0.5` as 500; without a weight 1000; nonsense counts as "not wanted".
fn weight(parameters: &str) -> u16 {
    let Some(q) = parameters
        .split(';')
        .filter_map(|p| p.trim().strip_prefix(['q', 'Q']))
        .find_map(|p| p.trim_start().strip_prefix('='))
    else {
        return 1000;
    };
    match q.trim().parse::<f32>() {
        // Cannot overflow: the value lies between 0 and 1000.
        Ok(q) if (0.0..=1.0).contains(&q) => (q * 1000.0).round() as u16,
        _ => 0,
    }
}

/// The brotli stream; `None` where it is no smaller.
pub(super) fn brotli(bytes: &Bytes, effort: Effort) -> Option<Bytes> {
    let quality = match effort {
        Effort::Quick => 4,
        Effort::Best => 11,
    };
    let mut out = Vec::with_capacity(bytes.len() / 3);
    {
        // A window of 4 MiB holds every page whole.
        let mut writer = ::brotli::CompressorWriter::new(&mut out, 16 * 1024, quality, 22);
        writer.write_all(bytes).ok()?;
    }
    (out.len() < bytes.len()).then(|| out.into())
}

/// The gzip stream; `None` where it is no smaller.
pub(super) fn gzip(bytes: &Bytes) -> Option<Bytes> {
    let mut writer = flate2::write::GzEncoder::new(Vec::with_capacity(bytes.len() / 3), flate2::Compression::best());
    writer.write_all(bytes).ok()?;
    let out = writer.finish().ok()?;
    (out.len() < bytes.len()).then(|| out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(accept: &[&str]) -> Coding {
        let mut headers = HeaderMap::new();
        for line in accept {
            headers.append(header::ACCEPT_ENCODING, line.parse().unwrap());
        }
        negotiate(&headers, true, true)
    }

    #[test]
    fn the_clients_weights_decide() {
        use Coding::{Brotli, Gzip, Identity};
        for (accept, expected) in [
            (&[][..], Identity),
            (&[""], Identity),
            (&["gzip, deflate, br"], Brotli),
            (&["gzip, deflate, br, zstd"], Brotli),
            (&["gzip", "br"], Brotli),
            (&["br;q=0.5, gzip;q=0.8"], Gzip),
            (&["br; Q = 0.5 , GZIP"], Gzip),
            (&["br;q=0, gzip;q=0"], Identity),
            (&["br;q=0, *"], Gzip),
            (&["*"], Brotli),
            (&["*;q=0"], Identity),
            (&["identity, br;q=0.2"], Identity),
            (&["gzip;q=0.2"], Gzip),
            (&["identity;q=0, gzip;q=0.2"], Gzip),
            (&["br;q=nan, gzip;q=1"], Gzip),
            (&["br;q=7, gzip;q=1"], Gzip),
            (&["zstd"], Identity),
        ] {
            assert_eq!(negotiated(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn only_what_is_there_is_given() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, "gzip, br".parse().unwrap());
        assert_eq!(negotiate(&headers, false, true), Coding::Gzip);
        assert_eq!(negotiate(&headers, true, false), Coding::Brotli);
        assert_eq!(negotiate(&headers, false, false), Coding::Identity);
    }

    #[test]
    fn nothing_grows() {
        assert_eq!(brotli(&Bytes::from_static(b"a"), Effort::Best), None);
        assert_eq!(gzip(&Bytes::from_static(b"a")), None);
    }
}
