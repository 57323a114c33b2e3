//! The directory, the port and the user of a server.

use std::fs;
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use tokio::time::timeout;

use super::account::Account;
use super::directory::Directory;
use super::port::Port;

/// How many bytes of a server's log a failed test shows.
const SHOWN_LINES: usize = 100;

/// How long the first set-up of a data directory may take on a busy machine.
const RUN: Duration = Duration::from_secs(60);

/// A directory, a port and a user for one server, over all its lives.
#[derive(Debug)]
pub struct Installation {
    directory: PathBuf,
    port: u16,
    account: Option<Account>,
    /// None where another process holds them.
    _held: Option<(Directory, Port)>,
}

impl Installation {
    pub(super) fn create(name: &str, account: &str) -> Self {
        let directory = Directory::create(name);
        let account = Account::of_server(account);
        if let Some(Account { uid, gid }) = account {
            chown(directory.path(), Some(uid), Some(gid)).expect("root can give a directory away");
        }
        let port = Port::reserve();
        Self { directory: directory.path().to_owned(), port: port.number(), account, _held: Some((directory, port)) }
    }

    /// Returns the installation of a server that another process has started.
    pub(super) fn of_another(account: &str, directory: PathBuf, port: u16) -> Self {
        Self { directory, port, account: Account::of_server(account), _held: None }
    }

    /// Returns the directory for everything that the server writes.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the port for the server on 127.0.0.1.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Returns a command that runs `program` as the server's user, dies with this process and writes to the log.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = match self.account {
            None => Command::new("setpriv"),
            Some(_) => {
                // The kernel keeps System V shared memory of a killed server as long as its IPC namespace.
                let mut command = Command::new("unshare");
                command.args(["--ipc", "setpriv"]);
                command
            }
        };
        command.args(["--pdeathsig", "KILL"]);
        if let Some(Account { uid, gid }) = self.account {
            command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
        }
        if confined(program) {
            command.args(["--apparmor-profile", "unconfined"]);
        }
        let log = File::options().create(true).append(true).open(self.log_path()).expect("a log can be opened");
        command
            .arg("--")
            .arg(program)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            // The only locale that is always there.
            .env("LC_ALL", "C")
            // MariaDB deletes the temporary tables there at its start, even those of another server.
            .env("TMPDIR", self.directory())
            .current_dir(self.directory())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log);
        command
    }

    /// Writes a file that only the server's user may read.
    pub(super) fn write_private(&self, path: &Path, text: &str) {
        fs::write(path, text).expect("the directory can be written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
        if let Some(Account { uid, gid }) = self.account {
            chown(path, Some(uid), Some(gid)).expect("root can give a file away");
        }
    }

    /// Runs a command of [`Installation::command`] to its successful end; only its errors go to the log.
    pub(super) async fn run(&self, mut command: Command) {
        command.stdout(Stdio::null());
        let shown = format!("{command:?}");
        let status = tokio::process::Command::from(command).kill_on_drop(true).status();
        match timeout(RUN, status).await {
            Ok(Ok(status)) if status.success() => {}
            outcome => panic!("{shown}: {outcome:?}\n{}", self.log()),
        }
    }

    /// Returns the end of what the server and the programs around it wrote.
    pub(super) fn log(&self) -> String {
        let log = fs::read(self.log_path()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let skipped = log.lines().count().saturating_sub(SHOWN_LINES);
        log.lines().skip(skipped).flat_map(|line| [line, "\n"]).collect()
    }

    fn log_path(&self) -> PathBuf {
        self.directory().join("log")
    }
}

/// Finds an installed program.
///
/// # Panics
///
/// When it is not installed.
pub(super) fn program(name: &str, package: &str) -> PathBuf {
    // Some shells do not have the directory of servers in their path.
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/usr/bin";
    let found = std::env::split_paths(&path).map(|directory| directory.join(name)).find(|program| program.exists());
    found.unwrap_or_else(|| panic!("{name} is missing: run scripts/install-packages, or install {package}"))
}

/// Returns whether the host confines a program to the directories of its system service.
fn confined(program: &Path) -> bool {
    let profiles = fs::read_to_string("/sys/kernel/security/apparmor/profiles").unwrap_or_default();
    profiles.lines().any(|line| line.split_once(" (").is_some_and(|(profile, _)| Path::new(profile) == program))
}
