//! Where a process is found, and where it keeps its files.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use serde::Deserialize;

use super::given::Group;

/// Where a process is found.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default)]
pub(crate) struct ListenSettings {
    /// Address and port to listen on [default: 127.0.0.1:8080, and none for workers]
    #[arg(long, env = "RUNBAY_LISTEN", value_name = "ADDRESS")]
    pub(crate) listen: Option<ListenAddress>,
}

/// An address or a host name, and a port; the name is looked up when the process begins to listen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ListenAddress(String);

/// Where a process keeps its files.
#[derive(Debug, Args, Deserialize)]
#[serde(default)]
pub(crate) struct DataSettings {
    /// Directory for the database, its own or empty; made if it does not exist [default: ./data]
    #[arg(long, env = "RUNBAY_DATA_DIR", value_name = "DIRECTORY")]
    pub(crate) data_dir: PathBuf,
}

impl Default for DataSettings {
    fn default() -> Self {
        Self { data_dir: PathBuf::from("./data") }
    }
}

impl Group for ListenSettings {
    type Settings = Self;

    fn complete(self) -> anyhow::Result<Self> {
        Ok(self)
    }
}

impl Group for DataSettings {
    type Settings = Self;

    fn complete(self) -> anyhow::Result<Self> {
        Ok(self)
    }
}

impl ListenSettings {
    /// Returns the address of a service, which always has one.
    pub(crate) fn address(self) -> ListenAddress {
        self.listen.unwrap_or_else(|| ListenAddress("127.0.0.1:8080".to_owned()))
    }
}

impl ListenAddress {
    /// Returns host and port.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usual = "such as 127.0.0.1:8080, localhost:8080 or [::]:8080";
        let Some((host, port)) = text.trim().rsplit_once(':') else {
            return Err(format!("it must be an address and a port, {usual}"));
        };
        if host.is_empty() {
            return Err(format!("it must name an address before the port: 0.0.0.0{text} stands for all, or {usual}"));
        }
        // The colons of IPv6 would be taken for that of the port.
        let bracketed = host.starts_with('[') && host.ends_with(']');
        if port.parse::<u16>().is_err() || (host.contains(':') && !bracketed) || host.contains("//") {
            return Err(format!("it must be an address and a port from 0 to 65535, {usual}"));
        }
        Ok(Self(text.trim().to_owned()))
    }
}

impl TryFrom<String> for ListenAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for text in ["127.0.0.1:8080", "localhost:8080", "[::]:80", "runbay.example:0", " 0.0.0.0:1 "] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().as_str(), text.trim());
        }
        for text in ["", "8080", "localhost", ":8080", "::1:8080", "localhost:http", "localhost:70000", "http://a:80"] {
            let error = text.parse::<ListenAddress>().unwrap_err();
            assert!(error.starts_with("it must ") && error.contains("such as 127.0.0.1:8080"), "{text}: {error}");
        }
    }
}
