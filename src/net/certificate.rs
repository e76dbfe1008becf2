//! When a certificate ends (X.509, RFC 5280, 4.1.2.5). Verification is rustls' business, not ours.

use jiff::Timestamp;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// The end of a certificate's validity; `None` for what is no certificate in DER.
pub fn ends_at(der: &[u8]) -> Option<Timestamp> {
    let certificate = Certificate::from_der(der).ok()?;
    let until = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    Timestamp::from_second(i64::try_from(until.as_secs()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::ends_at;

    #[test]
    fn what_is_no_certificate_has_no_end() {
        for bad in [&b""[..], b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"hello"] {
            assert_eq!(ends_at(bad), None);
        }
    }
}
