//! When a certificate ends (X.509, RFC 5280, 4.1): as much DER as that needs. Verification is rustls' business, not ours.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of a certificate's validity; `None` for what is no certificate.
pub fn ends_at(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = content(der, SEQUENCE)?;
    let (mut fields, _) = content(certificate, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        fields = element(fields)?.2;
    }
    // Serial number, signature, issuer.
    for _ in 0..3 {
        fields = element(fields)?.2;
    }
    let (validity, _) = content(fields, SEQUENCE)?;
    let after_begin = element(validity)?.2;
    let (tag, end, _) = element(after_begin)?;
    time(tag, end)
}

/// The first element: tag, content, what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // A length of up to four bytes; certificates are far shorter.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn content(der: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = element(der)?;
    (tag == wanted).then_some((content, rest))
}

/// `YYMMDDhhmmssZ` up to 2049, `YYYYMMDDhhmmssZ` from then on.
fn time(tag: u8, content: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(content).ok()?;
    let written = match tag {
        UTC_TIME => {
            let year: u32 = text.get(..2)?.parse().ok()?;
            format!("{}{text}", if year < 50 { "20" } else { "19" })
        }
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let at = DateTime::strptime("%Y%m%d%H%M%S", written.strip_suffix('Z')?).ok()?;
    Some(at.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        match u8::try_from(content.len()) {
            Ok(short @ 0..=0x7f) => out.push(short),
            _ => out.extend([0x82, (content.len() >> 8) as u8, content.len() as u8]),
        }
        out.extend(content);
        out
    }

    fn certificate(version: &[u8], end: &[u8]) -> Vec<u8> {
        let begin = der(UTC_TIME, b"200101000000Z");
        let issuer = der(SEQUENCE, &[0; 300]);
        let validity = der(SEQUENCE, &[begin, end.to_vec()].concat());
        let fields = [version.to_vec(), der(2, &[1]), der(SEQUENCE, &[]), issuer, validity].concat();
        der(SEQUENCE, &der(SEQUENCE, &fields))
    }

    #[test]
    fn the_end_in_both_forms() {
        let version = der(VERSION, &der(2, &[2]));
        let utc = certificate(&version, &der(UTC_TIME, b"270312235959Z"));
        assert_eq!(ends_at(&utc).unwrap().to_string(), "2027-03-12T23:59:59Z");
        let general = certificate(&[], &der(GENERALIZED_TIME, b"20510101000000Z"));
        assert_eq!(ends_at(&general).unwrap().to_string(), "2051-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let good = certificate(&[], &der(UTC_TIME, b"270312235959Z"));
        for cut in 0..good.len() {
            assert_eq!(ends_at(&good[..cut]), None);
        }
        for bad in [&b""[..], b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"hello"] {
            assert_eq!(ends_at(bad), None);
        }
    }
}
