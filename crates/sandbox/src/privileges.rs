//! Giving up the rights of root, for ever, before anything is heard from the network.

use rustix::fs::Gid;
use rustix::fs::Uid;
use rustix::io::Errno;
use rustix::thread::CapabilitySet;
use rustix::thread::CapabilitySets;

/// A user and group that a process can run as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// Rights that could not be given up.
#[derive(Debug, thiserror::Error)]
pub enum DropError {
    /// Other threads would keep their rights.
    #[error("rights can only be given up while the process has one thread")]
    Threads,
    /// The kernel refused a step.
    #[error("failed to {0}")]
    Refused(&'static str, #[source] std::io::Error),
    /// A right is still there after all was given up.
    #[error("the process still has rights that it gave up")]
    Left,
}

impl Account {
    /// Finds an account by name, or by number, in the text of /etc/passwd (passwd(5)).
    ///
    /// A number needs no entry; its group is then the same number.
    #[must_use]
    pub fn find(name: &str, passwd: &str) -> Option<Self> {
        let listed = passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            let account = fields.next()?;
            let uid = fields.nth(1)?;
            let gid = fields.next()?;
            (account == name || uid == name).then_some(Self { uid: uid.parse().ok()?, gid: gid.parse().ok()? })
        });
        listed.or_else(|| name.parse().ok().map(|number| Self { uid: number, gid: number }))
    }

    /// Returns the account that this process runs as.
    #[must_use]
    pub fn current() -> Self {
        Self { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() }
    }

    /// Returns whether this is the superuser.
    #[must_use]
    pub fn is_root(self) -> bool {
        self.uid == 0
    }
}

/// Makes this process run as `account`, with no capabilities, and without a way back.
///
/// # Errors
///
/// [`DropError`]; the process may have kept some rights then, and has to end.
pub fn drop_to(account: Account) -> Result<(), DropError> {
    if std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count) != 1 {
        return Err(DropError::Threads);
    }
    let step = |text: &'static str| move |error: Errno| DropError::Refused(text, error.into());
    let (uid, gid) = (Uid::from_raw(account.uid), Gid::from_raw(account.gid));
    for capability in CapabilitySet::all().iter() {
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            // Newer capabilities that this kernel does not have.
            Ok(()) | Err(Errno::INVAL) => {}
            Err(error) => return Err(step("empty the bounding set")(error)),
        }
    }
    rustix::thread::set_thread_groups(&[]).map_err(step("leave all groups"))?;
    rustix::thread::set_thread_res_gid(gid, gid, gid).map_err(step("change the group"))?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).map_err(step("change the user"))?;
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, none).map_err(step("clear the capabilities"))?;
    rustix::thread::set_no_new_privs(true).map_err(step("set no_new_privs"))?;
    let left = rustix::thread::capabilities(None).map_err(step("read the capabilities"))?;
    if left == none && !account.is_root() { Ok(()) } else { Err(DropError::Left) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nrunbay:x:998:997::/var/lib/runbay:/usr/sbin/nologin\n";

    #[test]
    fn accounts_are_found_by_name_and_number() {
        assert_eq!(Account::find("runbay", PASSWD), Some(Account { uid: 998, gid: 997 }));
        assert_eq!(Account::find("998", PASSWD), Some(Account { uid: 998, gid: 997 }));
        assert_eq!(Account::find("70000", PASSWD), Some(Account { uid: 70000, gid: 70000 }));
        assert_eq!(Account::find("nobody", PASSWD), None);
        assert_eq!(Account::find("", PASSWD), None);
    }
}
