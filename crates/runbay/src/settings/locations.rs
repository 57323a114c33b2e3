//! Where a process is found, and where it keeps its files.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::SettingsFile;

/// Where a process is found.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default)]
pub(crate) struct ListenFlags {
    /// Address and port to listen on [default: 127.0.0.1:8080, and none for workers]
    #[arg(long, env = "RUNBAY_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

/// Where a process keeps its files.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default)]
pub(crate) struct DataFlags {
    /// Directory for the database, its own or empty; made if it does not exist [default: ./data]
    #[arg(long, env = "RUNBAY_DATA_DIR", value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,
}

impl ListenFlags {
    /// Returns the address of a service.
    pub(crate) fn complete(self, file: &SettingsFile) -> anyhow::Result<SocketAddr> {
        Ok(self.given(file)?.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))))
    }

    /// Returns the address if one was given.
    pub(crate) fn given(self, file: &SettingsFile) -> anyhow::Result<Option<SocketAddr>> {
        Ok(self.listen.or(file.group::<Self>()?.listen))
    }
}

impl DataFlags {
    pub(crate) fn complete(self, file: &SettingsFile) -> anyhow::Result<PathBuf> {
        Ok(self.data_dir.or(file.group::<Self>()?.data_dir).unwrap_or_else(|| PathBuf::from("./data")))
    }
}
