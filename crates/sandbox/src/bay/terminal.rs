//! The terminal of a bay: a pseudo-terminal (pty(7)) in a devpts file system of the bay's own.
//!
//! There is one, and programs can make no other: what is written to the side that a terminal emulator has is processed
//! by threads of the kernel, in nobody's account, and takes twenty times as long as writing it (measured on Linux 6.18).
//! So that side is with the service, and the file system has no room for a second terminal.

use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::mount::MountFlags;
use rustix::pty::OpenptFlags;
use rustix::termios::InputModes;
use rustix::termios::OptionalActions;
use rustix::termios::Winsize;
use serde::Deserialize;
use serde::Serialize;

use super::PROGRAM_ID;

/// The devices that every bay has.
pub(crate) const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom"];

/// Where the root file system keeps what becomes the `/dev` of bays with a terminal: places for [`DEVICES`], and the
/// host's `/dev/tty`, which is the terminal of whoever opens it. Bays cover it.
pub(crate) const DEVICES_BESIDE_TERMINAL: &str = "mnt/dev";

/// How large a terminal is, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowSize {
    /// The length of a line.
    pub columns: u16,
    /// The number of lines.
    pub rows: u16,
}

impl WindowSize {
    /// Tells the kernel the size of a terminal; it sends SIGWINCH to what runs in its foreground.
    pub(crate) fn set(self, terminal: impl AsFd) -> Result<(), Errno> {
        let Self { columns, rows } = self;
        rustix::termios::tcsetwinsize(terminal, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })
    }
}

/// Mounts another `/dev`, with `/dev/tty` and `/dev/pts`.
pub(super) fn mount() -> Result<(), Errno> {
    let prepared = Path::new("/").join(DEVICES_BESIDE_TERMINAL);
    for name in DEVICES {
        rustix::mount::mount_bind(Path::new("/dev").join(name), prepared.join(name))?;
    }
    rustix::mount::mount_bind_recursive(&prepared, "/dev")?;
    // Whoever opens it has its terminals, not those of the host or of other bays (Linux 4.7). Nobody but pid 1 can make
    // one, and there is room for that one only.
    let options = format!("newinstance,ptmxmode=0000,mode=0600,uid={PROGRAM_ID},gid={PROGRAM_ID},max=1");
    let options = std::ffi::CString::new(options).map_err(|_| Errno::INVAL)?;
    rustix::mount::mount("devpts", "/dev/pts", "devpts", MountFlags::NOSUID | MountFlags::NOEXEC, &*options)
}

/// The terminal of a bay, which is there before any program.
pub(super) struct Terminal {
    /// None once it is with the service.
    emulators_side: Option<OwnedFd>,
    /// Kept until the end, so that the terminal has not ended before a program that closed it and opens `/dev/tty`.
    programs_side: OwnedFd,
}

impl Terminal {
    /// Opens the only terminal that there can be.
    pub(super) fn open() -> Result<Self, Errno> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let emulators_side = rustix::fs::open("/dev/pts/ptmx", flags, Mode::empty())?;
        rustix::pty::unlockpt(&emulators_side)?;
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let programs_side = rustix::pty::ioctl_tiocgptpeer(&emulators_side, flags)?;
        let mut modes = rustix::termios::tcgetattr(&programs_side)?;
        // Backspace takes a whole character away, not a byte.
        modes.input_modes |= InputModes::IUTF8;
        rustix::termios::tcsetattr(&programs_side, OptionalActions::Now, &modes)?;
        Ok(Self { emulators_side: Some(emulators_side), programs_side })
    }

    /// Sets the size, and returns the side that the service is to have; fails with `BUSY` the second time.
    pub(super) fn hand_out(&mut self, size: WindowSize) -> Result<OwnedFd, Errno> {
        let side = self.emulators_side.take().ok_or(Errno::BUSY)?;
        size.set(&side)?;
        Ok(side)
    }

    /// Returns what becomes the program's standard input, output and error.
    pub(super) fn programs_side(&self) -> BorrowedFd<'_> {
        self.programs_side.as_fd()
    }
}
