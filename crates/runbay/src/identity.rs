//! The account that the service runs as after it gave up the rights of root.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use runbay_sandbox::Account;
use runbay_sandbox::FIRST_UID;
use runbay_store::DataDirectory;
use tracing::warn;

/// The account that is used when it exists and none is named.
const ACCOUNT: &str = "runbay";

/// Finds the account to run as: the named one, else `runbay`, else a number that belongs to nobody.
///
/// It is never `nobody`: other services run as that account and could read the database.
pub(crate) fn service_account(name: Option<&str>) -> anyhow::Result<Account> {
    let passwd = std::fs::read_to_string("/etc/passwd").context("failed to read /etc/passwd")?;
    match name {
        Some(name) => {
            let account = Account::find(name, &passwd).with_context(|| format!("there is no account {name:?}"))?;
            anyhow::ensure!(!account.is_root(), "the service must not run as root; name another account with --user");
            anyhow::ensure!(
                name != "nobody",
                "the service must not run as nobody, as whom others run too; name another account with --user"
            );
            Ok(account)
        }
        None => Ok(Account::find(ACCOUNT, &passwd).unwrap_or(Account { uid: FIRST_UID, gid: FIRST_UID })),
    }
}

/// Gives the data directory to the account that `user` names, continues as that account, and returns the path by which
/// the directory is reached then.
///
/// Does not change the account of a process that is not root. Must be called before other threads exist.
pub(crate) fn become_service(user: Option<&str>, data: &DataDirectory) -> anyhow::Result<PathBuf> {
    if !Account::current().is_root() {
        return Ok(data.path().to_owned());
    }
    let account = service_account(user)?;
    say_what_changes(data.path(), account);
    data.give_to(account.uid, account.gid)?;
    let path = runbay_sandbox::make_reachable(data.path(), account)?;
    drop_to(account)?;
    Ok(path)
}

/// Continues as the owner of a data directory, and returns the path by which it is reached then.
///
/// To be called as root, before other threads exist.
pub(crate) fn become_owner(owner: Account, data: &DataDirectory) -> anyhow::Result<PathBuf> {
    data.give_to(owner.uid, owner.gid)?;
    let path = runbay_sandbox::make_reachable(data.path(), owner)?;
    drop_to(owner)?;
    Ok(path)
}

/// Warns of what somebody may not expect of the account, for a server or for those that run beside it.
fn say_what_changes(data: &Path, account: Account) {
    if let Some(owner) = data.metadata().ok().map(|directory| directory.uid())
        && owner != account.uid
        && owner != 0
    {
        let (data, account) = (data.display(), account.uid);
        warn!(
            "{data} belonged to the user {owner} and belongs to {account} now, so only root can start a server on it \
             from now on; `sudo chown -R {owner} {data}` gives it back while no server runs"
        );
    }
    if let Some(pid) = process_of(account.uid) {
        let account = account.uid;
        warn!(
            "process {pid} runs as the user {account} as well and can read the database of this server; give each \
             server an account of its own with --user"
        );
    }
}

/// Returns a process that runs as `uid`.
fn process_of(uid: u32) -> Option<u32> {
    std::fs::read_dir("/proc").ok()?.filter_map(Result::ok).find_map(|process| {
        let pid = process.file_name().to_str()?.parse().ok()?;
        // The directory belongs to root for a process that gave root up.
        let status = std::fs::read_to_string(process.path().join("status")).ok()?;
        let users = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        (users.split_ascii_whitespace().next()?.parse() == Ok(uid)).then_some(pid)
    })
}

/// Continues as the account that `user` names, with no rights but its own; a process that is not root keeps its
/// account.
pub(crate) fn drop_rights(user: Option<&str>) -> anyhow::Result<()> {
    if Account::current().is_root() { drop_to(service_account(user)?) } else { Ok(()) }
}

fn drop_to(account: Account) -> anyhow::Result<()> {
    runbay_sandbox::drop_to(account).context("failed to give up the rights of root")
}
