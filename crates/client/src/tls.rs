//! How connections are encrypted.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::ring::default_provider;

/// Trusts nobody, for URLs that need no encryption: reading the host's certificates takes a while.
pub(crate) fn trust_nobody() -> Result<ClientConfig, rustls::Error> {
    configuration(RootCertStore::empty())
}

/// Trusts whom the host trusts, or the file that `SSL_CERT_FILE` names.
pub(crate) fn trust_the_host() -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    // Certificates that cannot be read are no reason to refuse the others.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    configuration(roots)
}

/// Names the provider of cryptography, as a process without a default has none.
fn configuration(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let builder =
        ClientConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
