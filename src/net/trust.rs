//! Whom this machine trusts: the system's certificates, read when the first server shows one of its own. Reading them takes longer than all
//! else a short command does, and one that only hands a notice to the running service never needs them.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// rustls-platform-verifier's words where the machine has no certificates at all.
pub(super) const NONE: &str = "No CA certificates were loaded from the system";

/// The system's certificates.
#[derive(Debug)]
struct System(Arc<CryptoProvider>);

/// Reads the system's certificates, once; an error where there are none.
pub fn read() -> Result<&'static Verifier, Error> {
    static READ: OnceLock<Result<Verifier, Error>> = OnceLock::new();
    let read = READ.get_or_init(|| Verifier::new(Arc::new(ring::default_provider())));
    read.as_ref().map_err(Clone::clone)
}

/// What every client trusts.
pub(super) fn config() -> ClientConfig {
    static ONE: OnceLock<ClientConfig> = OnceLock::new();
    super::install_tls();
    let make = || {
        ClientConfig::builder()
            // Nothing less is verified than by `with_platform_verifier`: it is done by that verifier, made later.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(System(Arc::new(ring::default_provider()))))
            .with_no_client_auth()
    };
    ONE.get_or_init(make).clone()
}

impl ServerCertVerifier for System {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        read()?.verify_server_cert(end_entity, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
