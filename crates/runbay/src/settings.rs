//! Settings: defaults, then `runbay.toml`, then the environment, then flags; the later one wins.
//!
//! They come in groups, as not every command has all of them. A group is one struct, which a file is read into and which
//! flags and variables then change. One file may serve all commands: each takes what it knows, and only a key that none
//! knows is a mistake.

mod acceptance;
mod backend;
mod exposure;
mod file;
mod given;
mod limits;
mod locations;
mod process;
mod programs;
mod secret;
mod shares;
mod upkeep;
mod words;

use std::collections::BTreeSet;
use std::path::Path;

use clap::Args;
use clap::Command;

pub(crate) use acceptance::AcceptanceSettings;
pub(crate) use backend::BackendSettings;
pub(crate) use backend::WrittenBackend;
pub(crate) use exposure::ApiAccess;
pub(crate) use exposure::ExposureSettings;
pub(crate) use file::SettingsFile;
pub(crate) use given::Given;
pub(crate) use limits::WrittenLimits;
pub(crate) use locations::DataSettings;
pub(crate) use locations::ListenAddress;
pub(crate) use locations::ListenSettings;
pub(crate) use process::ProcessSettings;
pub(crate) use programs::ProgramSettings;
pub(crate) use shares::ShareSettings;
pub(crate) use shares::SharedOut;
pub(crate) use upkeep::UpkeepSettings;

/// Reads a file with settings, if there is one, and refuses keys that no command knows.
pub(crate) fn read_file(path: Option<&Path>) -> anyhow::Result<SettingsFile> {
    SettingsFile::read(path, &known_keys())
}

fn known_keys() -> BTreeSet<String> {
    let command = ListenSettings::augment_args(Command::new(""));
    let command = WrittenBackend::augment_args(DataSettings::augment_args(command));
    let command = ProgramSettings::augment_args(WrittenLimits::augment_args(command));
    let command = UpkeepSettings::augment_args(AcceptanceSettings::augment_args(command));
    let command = ShareSettings::augment_args(command);
    let command = ExposureSettings::augment_args(ProcessSettings::augment_args(command));
    command.get_arguments().map(|argument| argument.get_id().to_string()).collect()
}
