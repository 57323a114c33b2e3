//! Where a process is found, and where it keeps its files.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::given::Group;

/// Where a process is found.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default)]
pub(crate) struct ListenSettings {
    /// Address and port to listen on [default: 127.0.0.1:8080, and none for workers]
    #[arg(long, env = "RUNBAY_LISTEN", value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
}

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
    pub(crate) fn address(&self) -> SocketAddr {
        self.listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)))
    }
}
