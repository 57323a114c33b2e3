//! Who may reach the API, and from which pages.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Args;
use runbay_api::AllowedOrigins;
use runbay_api::Exposure;
use runbay_api::WebOrigin;
use serde::Deserialize;

use super::given::Group;
use super::words::list;
use super::words::trimmed;

/// Who may reach the API, and from which pages.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default)]
pub(crate) struct ExposureSettings {
    /// Where people reach the server over a proxy, such as `https://code.example`; may be repeated
    #[arg(long, env = "RUNBAY_PUBLIC_URL", value_name = "URL", value_delimiter = ',')]
    #[serde(deserialize_with = "list")]
    public_url: Vec<String>,

    /// Origins of other pages that may use the API, such as `https://lms.example`, or * for all; may be repeated
    #[arg(long, env = "RUNBAY_ALLOWED_ORIGINS", value_name = "ORIGINS", value_delimiter = ',')]
    #[serde(deserialize_with = "list")]
    allowed_origins: Vec<String>,
}

/// Who may reach the API, and from which pages.
#[derive(Debug, Clone, Default)]
pub(crate) struct ApiAccess {
    public: Vec<WebOrigin>,
    allowed: AllowedOrigins,
}

impl Group for ExposureSettings {
    type Settings = ApiAccess;

    fn complete(self) -> anyhow::Result<ApiAccess> {
        let (public, allowed) = (trimmed(self.public_url), trimmed(self.allowed_origins));
        let allowed = match allowed.as_slice() {
            [] => AllowedOrigins::None,
            [all] if all == "*" => AllowedOrigins::Any,
            origins => {
                anyhow::ensure!(
                    !origins.iter().any(|origin| origin == "*"),
                    "allowed_origins must be * alone or a list of origins, not both"
                );
                AllowedOrigins::These(origins_of("allowed_origins", origins)?)
            }
        };
        Ok(ApiAccess { public: origins_of("public_url", &public)?, allowed })
    }
}

fn origins_of(name: &'static str, written: &[String]) -> anyhow::Result<Vec<WebOrigin>> {
    written.iter().map(|origin| origin.trim().parse().context(name)).collect()
}

impl ApiAccess {
    /// Returns who can reach a server that listens on `address`.
    pub(crate) fn exposure(&self, address: SocketAddr) -> Exposure {
        Exposure::of(address).public(self.public.clone()).allowed(self.allowed.clone())
    }

    /// Returns where people reach the server over a proxy, if the operator has said so.
    pub(crate) fn public(&self) -> Option<&WebOrigin> {
        self.public.first()
    }
}

#[cfg(test)]
mod tests {
    use runbay_api::Audience;

    use super::*;
    use crate::settings::given::tests::settings;

    fn exposure(flags: &[&str], text: &str) -> anyhow::Result<Exposure> {
        Ok(settings::<ExposureSettings>(flags, text)?.exposure(([127, 0, 0, 1], 8080).into()))
    }

    #[test]
    fn origins_come_from_flags_and_file() {
        let plain = exposure(&[], "").unwrap();
        let public = "https://code.example".parse().unwrap();
        let lms = || ["https://lms.example", "http://localhost:3000"].map(|origin| origin.parse().unwrap()).to_vec();
        let expected = plain.clone().public(vec![public]).allowed(AllowedOrigins::These(lms()));
        let repeated = ["--allowed-origins=https://lms.example", "--allowed-origins=http://localhost:3000"];
        let joined = ["--allowed-origins=https://lms.example,http://localhost:3000"];
        let file = "public_url = \"https://code.example\"\n";
        for flags in [&repeated[..], &joined] {
            assert_eq!(exposure(flags, file).unwrap(), expected);
        }
        let list = format!("{file}allowed_origins = [\"https://lms.example\", \"http://localhost:3000\"]\n");
        assert_eq!(exposure(&[], &list).unwrap(), expected);
        assert_eq!(exposure(&["--allowed-origins=*"], "").unwrap(), plain.clone().allowed(AllowedOrigins::Any));
        assert_eq!(plain.audience(), Audience::ThisMachine);
    }

    #[test]
    fn what_is_no_origin_is_named() {
        for (flag, name) in [("--public-url=code.example", "public_url"), ("--allowed-origins=a/b", "allowed_origins")]
        {
            let error = format!("{:#}", exposure(&[flag], "").unwrap_err());
            assert!(error.starts_with(&format!("{name}: ")) && error.contains("such as https://"), "{error}");
        }
        let both = exposure(&["--allowed-origins=*,https://lms.example"], "").unwrap_err().to_string();
        assert_eq!(both, "allowed_origins must be * alone or a list of origins, not both");
    }
}
