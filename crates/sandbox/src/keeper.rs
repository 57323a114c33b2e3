//! The service's hold on the keeper process.

use std::fs::File;
use std::io;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use rustix::fs::MemfdFlags;

use crate::packet;
use crate::wire::Configuration;
use crate::wire::encode;

/// A running keeper, which starts forkers as long as this exists.
///
/// The service gives up its rights after it launched the keeper, so it could not start a forker again by itself.
#[derive(Debug)]
pub struct Keeper {
    pub(crate) socket: OwnedFd,
    /// Kept so that the dead keeper's pid is not reused while it is ours.
    _process: Child,
}

/// A keeper that could not be launched.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// Its process did not start.
    #[error("failed to start the sandbox's keeper process")]
    Spawn(#[source] io::Error),
    /// It ended before it took its configuration.
    #[error("failed to configure the sandbox's keeper process")]
    Configure(#[source] io::Error),
}

impl Keeper {
    /// Starts the keeper: `command` has to be a program that calls [`crate::keeper_main`] first of all.
    ///
    /// It gets an empty environment and no fd but its socket. To be called before other threads exist, with the
    /// rights that bays need.
    ///
    /// # Errors
    ///
    /// [`LaunchError`] names what failed.
    pub fn launch(mut command: Command, configuration: &Configuration) -> Result<Self, LaunchError> {
        let (socket, keepers_end) = packet::pair().map_err(|error| LaunchError::Spawn(error.into()))?;
        let process = command
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(keepers_end))
            .stdout(Stdio::null())
            .spawn()
            .map_err(LaunchError::Spawn)?;
        // Drops this process's copy of the keeper's end, so that the death of either is seen by the other.
        drop(command);
        send_configuration(&socket, configuration).map_err(LaunchError::Configure)?;
        Ok(Self { socket, _process: process })
    }
}

/// Sends the configuration as a file in memory: with its support files it may be longer than a packet.
pub(crate) fn send_configuration(socket: &OwnedFd, configuration: &Configuration) -> io::Result<()> {
    let mut file = File::from(rustix::fs::memfd_create("configuration", MemfdFlags::CLOEXEC)?);
    file.write_all(&encode(configuration))?;
    Ok(packet::send(socket, b"configuration", &[file.as_fd()])?)
}
