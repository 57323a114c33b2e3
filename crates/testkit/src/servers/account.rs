//! The user that a server runs as.

use std::fs;

use rustix::process::geteuid;

/// The account that every Debian has.
const FALLBACK: &str = "nobody";

/// A user of the host, from `/etc/passwd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Account {
    /// Returns the account that a server runs as: that of its package, else `nobody`.
    ///
    /// None when the tests run as an ordinary user, who can start servers only as himself.
    ///
    /// PostgreSQL and MariaDB refuse to run as root.
    pub(super) fn of_server(name: &str) -> Option<Self> {
        if !geteuid().is_root() {
            return None;
        }
        let users = fs::read_to_string("/etc/passwd").expect("/etc/passwd can be read");
        let account = find(&users, name).or_else(|| find(&users, FALLBACK));
        Some(account.unwrap_or_else(|| panic!("neither the user {name} nor {FALLBACK} exists")))
    }
}

/// Reads lines of `name:password:uid:gid:...`.
fn find(users: &str, name: &str) -> Option<Account> {
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == name)?;
    Some(Account { uid: fields.get(2)?.parse().ok()?, gid: fields.get(3)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let users = "postgres-old:x:7:8::/:/bin/sh\n\npostgres:x:101:104:admin,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(find(users, "postgres"), Some(Account { uid: 101, gid: 104 }));
        assert_eq!(find(users, "mysql"), None);
    }
}
