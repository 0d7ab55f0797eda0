//! TLS to the server, by rustls: the modes of libpq, authorities from files or of the operating system.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;
use upnext_core::BackendError;

use crate::location::{Location, TlsFiles, Trust};

/// What connects through TLS as the URL wants it.
pub(crate) fn connector(location: &Location) -> Result<MakeRustlsConnect, BackendError> {
    let provider = Arc::new(ring::default_provider());
    let files = &location.files;
    let config = |verifier: Arc<dyn ServerCertVerifier>| {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| BackendError::Unusable(format!("TLS cannot be used: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        match client_certificate(files)? {
            None => Ok(builder.with_no_client_auth()),
            Some((certificates, key)) => builder.with_client_auth_cert(certificates, key).map_err(|error| {
                BackendError::Unusable(format!(
                    "the client certificate (sslcert, sslkey) cannot be used: {error}"
                ))
            }),
        }
    };
    let verifier: Arc<dyn ServerCertVerifier> = match (location.trust, &files.root) {
        (Trust::Anyone, _) => Arc::new(Anyone(Arc::clone(&provider))),
        (Trust::Authority, None) => {
            return Err(BackendError::Unusable(
                "sslmode=verify-ca needs sslrootcert=FILE in the PostgreSQL URL; verify-full uses the authorities of the system"
                    .into(),
            ));
        }
        (Trust::Host, None) => return with_system_authorities(files),
        (trust, Some(root)) => {
            let verifier =
                WebPkiServerVerifier::builder_with_provider(authorities(root)?, Arc::clone(&provider))
                    .build()
                    .map_err(|error| unreadable("sslrootcert", root, &error))?;
            if trust == Trust::Host { verifier } else { Arc::new(AnyHost(verifier)) }
        }
    };
    Ok(MakeRustlsConnect::new(config(verifier)?))
}

fn with_system_authorities(files: &TlsFiles) -> Result<MakeRustlsConnect, BackendError> {
    if files.certificate.is_some() {
        return Err(BackendError::Unusable(
            "a client certificate (sslcert) needs sslrootcert=FILE beside it in the PostgreSQL URL".into(),
        ));
    }
    if CryptoProvider::get_default().is_none() {
        // Somebody else may be faster, which is as good.
        let _ = ring::default_provider().install_default();
    }
    MakeRustlsConnect::with_native_certs().map(|(connector, _)| connector).map_err(|errors| {
        BackendError::Unusable(format!(
            "the system's certificate authorities cannot be read ({errors:?}); name a file with sslrootcert in the URL"
        ))
    })
}

fn unreadable(parameter: &str, file: &Path, error: &dyn std::fmt::Display) -> BackendError {
    BackendError::Unusable(format!("{} ({parameter}) cannot be used: {error}", file.display()))
}

fn authorities(file: &Path) -> Result<Arc<RootCertStore>, BackendError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates("sslrootcert", file)? {
        store.add(certificate).map_err(|error| unreadable("sslrootcert", file, &error))?;
    }
    Ok(Arc::new(store))
}

fn certificates(parameter: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, BackendError> {
    let found = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| unreadable(parameter, file, &error))?;
    if found.is_empty() { Err(unreadable(parameter, file, &"it holds no certificate")) } else { Ok(found) }
}

type ClientCertificate = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn client_certificate(files: &TlsFiles) -> Result<Option<ClientCertificate>, BackendError> {
    match (&files.certificate, &files.key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            let private =
                PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable("sslkey", key, &error))?;
            Ok(Some((certificates("sslcert", certificate)?, private)))
        }
        _ => Err(BackendError::Unusable("sslcert and sslkey go together in a PostgreSQL URL".into())),
    }
}

/// Takes any certificate: what `prefer` and `require` ask for is secrecy from listeners, not who the server is.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Takes any certificate of a known authority, whatever host it is for.
#[derive(Debug)]
struct AnyHost(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyHost {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.0.verify_server_cert(certificate, others, name, ocsp, now) {
            // The name is looked at last, when all the rest was good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
