//! What clients share, and how they are told from each other.

use clap::Args;
use runbay_api::AddressRange;
use runbay_api::Clients;
use runbay_engine::StorageBounds;
use serde::Deserialize;

use super::given::Group;
use super::words::list;
use super::words::trimmed;
use super::words::whole_number;

/// What clients share, and how they are told from each other.
#[derive(Debug, Clone, Args, Deserialize)]
#[serde(default)]
pub(crate) struct ShareSettings {
    /// Proxies whose X-Forwarded-For is believed, beside those on this machine, such as 10.0.0.0/8; may be repeated
    #[arg(long, env = "RUNBAY_TRUSTED_PROXIES", value_name = "ADDRESSES", value_delimiter = ',')]
    #[serde(deserialize_with = "list")]
    trusted_proxies: Vec<String>,

    /// Clients that pass on the requests of many and may have most of everything, beside programs on this machine; may be repeated
    #[arg(long, env = "RUNBAY_BULK_CLIENTS", value_name = "ADDRESSES", value_delimiter = ',')]
    #[serde(deserialize_with = "list")]
    bulk_clients: Vec<String>,

    /// Connections at one time, 0 for as many as open files allow, at most 8192; idle ones give way to newcomers [default: 0]
    #[arg(long, env = "RUNBAY_MAX_CONNECTIONS", value_name = "COUNT", value_parser = whole_number::<usize>)]
    max_connections: usize,

    /// Size of the database in bytes at which nothing new is stored and requests get 507, 0 for no bound [default: 107374182400]
    #[arg(long, env = "RUNBAY_MAX_STORED_BYTES", value_name = "BYTES", value_parser = whole_number::<u64>)]
    max_stored_bytes: u64,

    /// Bytes of code and input that one client may add within an hour, 0 for any number; bulk clients may add eight times as many [default: 1073741824]
    #[arg(long, env = "RUNBAY_CLIENT_BYTES_PER_HOUR", value_name = "BYTES", value_parser = whole_number::<u64>)]
    client_bytes_per_hour: u64,
}

/// What clients share, and how they are told from each other.
#[derive(Debug, Clone)]
pub(crate) struct SharedOut {
    pub(crate) clients: Clients,
    /// None for as many as open files allow.
    max_connections: Option<usize>,
    pub(crate) storage: StorageBounds,
}

impl Default for ShareSettings {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            bulk_clients: Vec::new(),
            max_connections: 0,
            max_stored_bytes: 100 << 30,
            client_bytes_per_hour: 1 << 30,
        }
    }
}

impl Group for ShareSettings {
    type Settings = SharedOut;

    fn complete(self) -> anyhow::Result<SharedOut> {
        let proxies = ranges("trusted_proxies", self.trusted_proxies)?;
        let bulk = ranges("bulk_clients", self.bulk_clients)?;
        Ok(SharedOut {
            clients: Clients::new(proxies, bulk),
            max_connections: (self.max_connections > 0).then_some(self.max_connections),
            storage: StorageBounds {
                max_bytes: (self.max_stored_bytes > 0).then_some(self.max_stored_bytes),
                client_hourly_bytes: (self.client_bytes_per_hour > 0).then_some(self.client_bytes_per_hour),
            },
        })
    }
}

fn ranges(name: &'static str, written: Vec<String>) -> anyhow::Result<Vec<AddressRange>> {
    let ranges = trimmed(written)
        .into_iter()
        .map(|range| range.parse().map_err(|error| anyhow::anyhow!("{name}: {range} {error}")));
    ranges.collect()
}

impl SharedOut {
    /// Returns how many connections there may be where open files allow `possible`.
    pub(crate) fn connections(&self, possible: usize) -> usize {
        self.max_connections.map_or(possible, |max| max.min(possible))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::given::tests::settings;

    #[test]
    fn zero_is_no_bound() {
        let storage = |text| settings::<ShareSettings>(&[], text).unwrap().storage;
        assert_eq!(storage(""), StorageBounds::default());
        let none = StorageBounds { max_bytes: None, client_hourly_bytes: None };
        assert_eq!(storage("max_stored_bytes = 0\nclient_bytes_per_hour = 0\n"), none);
    }

    #[test]
    fn there_are_no_more_connections_than_files() {
        let connections = |flags: &[&str]| settings::<ShareSettings>(flags, "").unwrap().connections(500);
        let asked = ["", "--max-connections=100", "--max-connections=1000"];
        assert_eq!(asked.map(|flag| connections(&[flag][usize::from(flag.is_empty())..])), [500, 100, 500]);
    }

    #[test]
    fn what_is_no_address_is_named() {
        let error = settings::<ShareSettings>(&["--bulk-clients=10.0.0.0/8,school"], "").unwrap_err().to_string();
        assert!(error.starts_with("bulk_clients: school must be an address"), "{error}");
    }
}
