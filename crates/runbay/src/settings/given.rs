//! What was given on the command line and in the environment, until the file is known.

use std::fmt;
use std::marker::PhantomData;

use clap::ArgMatches;
use clap::Args;
use clap::Command;
use clap::Error;
use clap::FromArgMatches;
use serde::de::DeserializeOwned;

use super::file::SettingsFile;
use super::secret::Secret;

/// A group of settings: its fields with their defaults, which a file may set, and flags and variables after it.
pub(crate) trait Group: Args + DeserializeOwned {
    /// The group as the rest of the program takes it.
    type Settings;

    /// Refuses what cannot be used.
    fn complete(self) -> anyhow::Result<Self::Settings>;
}

/// The flags and variables of a group that were given.
pub(crate) struct Given<G> {
    matches: ArgMatches,
    group: PhantomData<G>,
}

impl<G: Group> Given<G> {
    /// Returns the settings: defaults, then the file, then what was given; the later one wins.
    pub(crate) fn over(self, file: &SettingsFile) -> anyhow::Result<G::Settings> {
        let mut group: G = file.group()?;
        group.update_from_arg_matches(&self.matches)?;
        group.complete()
    }
}

impl<G: Group> Args for Given<G> {
    fn augment_args(command: Command) -> Command {
        // As for an update, no argument is required: the file or a default may have it.
        G::augment_args_for_update(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        G::augment_args_for_update(command)
    }
}

impl<G> FromArgMatches for Given<G> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut given = Self { matches: ArgMatches::default(), group: PhantomData };
        given.update_from_arg_matches(matches)?;
        Ok(given)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.matches = matches.clone();
        // An empty variable is how files with environments leave a secret out.
        for id in matches.ids() {
            if let Ok(Some(secret)) = matches.try_get_one::<Secret>(id.as_str())
                && secret.is_empty()
            {
                self.matches.try_clear_id(id.as_str()).ok();
            }
        }
        Ok(())
    }
}

impl<G> fmt::Debug for Given<G> {
    /// Shows nothing, as there may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::settings::file::tests::file;

    /// Returns the settings of a group that flags and the text of a file make.
    pub(crate) fn settings<G: Group>(flags: &[&str], text: &str) -> anyhow::Result<G::Settings> {
        let command = Given::<G>::augment_args(Command::new("test").no_binary_name(true));
        Given::<G>::from_arg_matches(&command.try_get_matches_from(flags)?)?.over(&file(text)?)
    }
}
