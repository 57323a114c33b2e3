//! Settings: defaults, then `runbay.toml`, then the environment, then flags; the later one wins.
//!
//! They come in groups, as not every command has all of them. One file may serve all commands: each takes what it knows,
//! and only a key that none knows is a mistake.

mod acceptance;
mod backend;
mod file;
mod limits;
mod locations;
mod process;
mod programs;
mod upkeep;

pub(crate) use acceptance::AcceptanceFlags;
pub(crate) use acceptance::AcceptanceSettings;
pub(crate) use backend::BackendFlags;
pub(crate) use backend::BackendSettings;
pub(crate) use file::SettingsFile;
pub(crate) use limits::LimitFlags;
pub(crate) use locations::DataFlags;
pub(crate) use locations::ListenFlags;
pub(crate) use process::ProcessFlags;
pub(crate) use programs::ProgramFlags;
pub(crate) use programs::ProgramSettings;
pub(crate) use upkeep::UpkeepFlags;
pub(crate) use upkeep::UpkeepSettings;

fn positive(name: &str, value: Option<usize>) -> anyhow::Result<Option<usize>> {
    anyhow::ensure!(value != Some(0), "{name} must be at least 1");
    Ok(value)
}
