//! The keeper process: starts the forker, and another one when it died.

use std::fs::File;
use std::io::Read;
use std::io::Seek;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::time::Duration;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::process::PidfdFlags;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::Signal;
use rustix::process::WaitId;
use rustix::process::WaitIdOptions;

use crate::bay::close_range;
use crate::forker::forker_main;
use crate::packet;
use crate::step::last_errno;
use crate::wire::Configuration;
use crate::wire::decode;

/// How long to wait before a forker is started again; doubles while forkers do not live longer than this.
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long the last forker may take to clean up after the service is gone.
const FAREWELL: Duration = Duration::from_secs(8);

/// Runs the keeper on the socket that is standard input, until the service closes its end.
///
/// To be called first of all in a process that [`crate::Keeper::launch`] started.
///
/// # Errors
///
/// The error of a system call that does not fail on a sane host.
pub fn keeper_main() -> std::io::Result<()> {
    let service = take_standard_input()?;
    // A terminal's Ctrl-C is for the service, which then lets running work finish.
    rustix::process::setsid()?;
    set_signals();
    // Directories that the forker makes for programs have to be open to them, whatever the service's mask is.
    rustix::process::umask(Mode::from_raw_mode(0o022));
    raise_open_files()?;
    limit_core_dumps();
    rustix::thread::set_name(c"runbay-keeper")?;
    match receive_configuration(&service)? {
        Some(configuration) => Ok(keep(service, &configuration)?),
        None => Ok(()),
    }
}

/// Receives what [`crate::keeper::send_configuration`] sent; none if the service is gone.
fn receive_configuration(service: &OwnedFd) -> std::io::Result<Option<Configuration>> {
    let Some(packet) = packet::receive(service)? else {
        return Ok(None);
    };
    let file = packet.fds.into_iter().next().ok_or(std::io::ErrorKind::InvalidData)?;
    let mut file = File::from(file);
    // The position is the writer's, too.
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let configuration = decode(&bytes).map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))?;
    Ok(Some(configuration))
}

fn keep(service: OwnedFd, configuration: &Configuration) -> Result<(), Errno> {
    let mut pause = PAUSE;
    loop {
        let started = Instant::now();
        let (services_end, forkers_end) = packet::pair()?;
        let forker = match fork()? {
            None => {
                drop(service);
                drop(services_end);
                rustix::thread::set_name(c"runbay-forker")?;
                forker_main(forkers_end, configuration.clone());
                return Ok(());
            }
            Some(forker) => forker,
        };
        drop(forkers_end);
        let told = packet::send(&service, b"forker", &[services_end.as_fd()]);
        drop(services_end);
        if told.is_err() || wait_for(&service, &forker)? == Waited::ServiceGone {
            return farewell(&forker);
        }
        reap(&forker);
        pause = if started.elapsed() > pause { PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        if wait_for_service(&service, pause)? {
            return Ok(());
        }
    }
}

/// Lets the forker, which sees the service's end as well, bury its bays.
fn farewell(forker: &OwnedFd) -> Result<(), Errno> {
    let timeout = Timespec::try_from(FAREWELL).unwrap_or_default();
    if rustix::event::poll(&mut [PollFd::new(forker, PollFlags::IN)], Some(&timeout))? == 0 {
        // Its bays die with it.
        rustix::process::pidfd_send_signal(forker, Signal::KILL)?;
    }
    reap(forker);
    Ok(())
}

#[derive(PartialEq, Eq)]
enum Waited {
    ServiceGone,
    ForkerDead,
}

fn wait_for(service: &OwnedFd, forker: &OwnedFd) -> Result<Waited, Errno> {
    loop {
        let mut sources = [PollFd::new(service, PollFlags::IN), PollFd::new(forker, PollFlags::IN)];
        match rustix::event::poll(&mut sources, None) {
            Err(Errno::INTR) => continue,
            result => result?,
        };
        // The service sends nothing after the configuration: it can only have closed its end.
        if !sources[0].revents().is_empty() {
            return Ok(Waited::ServiceGone);
        }
        if !sources[1].revents().is_empty() {
            return Ok(Waited::ForkerDead);
        }
    }
}

/// Waits for `pause`; returns at once, with true, when the service is gone.
fn wait_for_service(service: &OwnedFd, pause: Duration) -> Result<bool, Errno> {
    let timeout = Timespec::try_from(pause).unwrap_or_default();
    match rustix::event::poll(&mut [PollFd::new(service, PollFlags::IN)], Some(&timeout)) {
        Err(Errno::INTR) => Ok(false),
        result => Ok(result? > 0),
    }
}

/// Forks; none in the child.
fn fork() -> Result<Option<OwnedFd>, Errno> {
    // SAFETY: the keeper has one thread, so the copy is not missing one that holds a lock.
    match unsafe { libc::fork() } {
        -1 => Err(last_errno()),
        0 => Ok(None),
        pid => {
            let pid = Pid::from_raw(pid).expect("fork returned a pid");
            // The child is not reaped yet, so the pid is still its own.
            rustix::process::pidfd_open(pid, PidfdFlags::empty()).map(Some)
        }
    }
}

fn reap(forker: &OwnedFd) {
    // How it ended does not matter: another one follows.
    _ = rustix::process::waitid(WaitId::PidFd(forker.as_fd()), WaitIdOptions::EXITED);
}

/// Sets what this process, the forker and pid 1 of each bay do about signals.
fn set_signals() {
    // The service's parent may have ignored it, and then nobody could wait for a child.
    // SAFETY: the default action is no handler that could run.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    // They are sent to all processes of a service that is told to stop: the closed socket is the sign here.
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        // SAFETY: ignoring a signal is no handler that could run.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Allows as many open files as this process may have: a forker needs a handful for each bay.
fn raise_open_files() -> Result<(), Errno> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
}

/// Limits core dumps to one byte for all that is started here; why 1, `bay/program.rs` tells.
///
/// A hard limit of 0 can only be raised with rights over the host, which bays do not have.
fn limit_core_dumps() {
    // Who has no such rights may not need it: pid 1 of each bay looks.
    _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(1), maximum: Some(1) });
}

/// Moves the socket away from fd 0, leaves nothing there to read, and closes what else was inherited.
fn take_standard_input() -> Result<OwnedFd, Errno> {
    close_range(3, i32::MAX)?;
    let socket = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let nothing = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::send_configuration;
    use crate::wire::SupportFile;
    use crate::wire::Users;

    #[test]
    fn a_configuration_longer_than_a_packet_arrives() {
        let configuration = Configuration {
            users: Users::Own,
            max_bays: 3,
            mounts: vec!["/etc/java-17-openjdk".into()],
            support_files: vec![SupportFile { path: "large".into(), content: vec![7; 2 * packet::MAX_BYTES] }],
        };
        let (service, keeper) = packet::pair().unwrap();
        send_configuration(&service, &configuration).unwrap();
        drop(service);
        assert_eq!(receive_configuration(&keeper).unwrap(), Some(configuration));
        assert_eq!(receive_configuration(&keeper).unwrap(), None);
    }
}
