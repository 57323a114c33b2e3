//! Certificates for servers.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::DnType;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;

use super::directory::Directory;
use super::installation::Installation;

/// A certificate for servers on 127.0.0.1, from a new authority that no host trusts.
#[derive(Debug)]
pub struct Certificate {
    chain: String,
    key: String,
    directory: Directory,
}

impl Certificate {
    /// Makes a new authority and a certificate of it, for the address 127.0.0.1 and no name.
    ///
    /// # Panics
    ///
    /// When the authority cannot be written to a file.
    #[must_use]
    pub fn new() -> Self {
        Self::for_names(&["127.0.0.1"])
    }

    /// Makes a new authority and a certificate of it, for these addresses and names.
    ///
    /// # Panics
    ///
    /// When the authority cannot be written to a file.
    #[must_use]
    pub fn for_names(names: &[&str]) -> Self {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "authority of a test");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().expect("a key can be made");
        let issuer = authority.self_signed(&authority_key).expect("an authority can sign its certificate");

        let server =
            CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).expect("names");
        let key = KeyPair::generate().expect("a key can be made");
        let signed = server.signed_by(&key, &Issuer::new(authority, authority_key)).expect("an authority can sign");

        let directory = Directory::create("certificate");
        // The product may read it as another user than the tests run as.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("the directory is ours");
        fs::write(authority_file(&directory), issuer.pem()).expect("the directory can be written");
        Self { chain: signed.pem(), key: key.serialize_pem(), directory }
    }

    /// Returns the file with the certificate of the authority, which every user may read.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        authority_file(&self.directory)
    }

    /// Writes [`chain_file`] and [`key_file`], which only the server may read.
    pub(super) fn install(&self, installation: &Installation) {
        installation.write_private(&chain_file(installation), &self.chain);
        installation.write_private(&key_file(installation), &self.key);
    }
}

impl Default for Certificate {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the path of a server's certificate, if it has one.
pub(super) fn chain_file(installation: &Installation) -> PathBuf {
    installation.directory().join("certificate.pem")
}

/// Returns the path of the key to a server's certificate, if it has one.
pub(super) fn key_file(installation: &Installation) -> PathBuf {
    installation.directory().join("key.pem")
}

fn authority_file(directory: &Directory) -> PathBuf {
    directory.path().join("authority.pem")
}
