//! Who a bay's processes are, inside and on the host.

use super::PROGRAM_ID;

/// The users of one bay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Pid 1 is root inside and the program is not; on the host they are two users who are nobody.
    Pair { root: u32, program: u32 },
    /// Both are the program's user inside, and on the host whoever started the keeper.
    ///
    /// Pid 1 still has every capability in the bay's namespaces, and the program none; that protects it.
    Single,
}

impl Identity {
    /// Returns the text for the bay's uid_map and gid_map, see user_namespaces(7).
    pub(crate) fn map(self) -> String {
        match self {
            Self::Pair { root, program } => format!("0 {root} 1\n{PROGRAM_ID} {program} 1\n"),
            Self::Single => format!("{PROGRAM_ID} 0 1\n"),
        }
    }

    /// Returns the user of the host who shall own the bay's user namespace, if there is a choice.
    pub(crate) fn owner(self) -> Option<u32> {
        match self {
            Self::Pair { root, .. } => Some(root),
            Self::Single => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_name_one_user_a_line() {
        assert_eq!(Identity::Pair { root: 70_000, program: 70_001 }.map(), "0 70000 1\n1000 70001 1\n");
        assert_eq!(Identity::Single.map(), "1000 0 1\n");
    }
}
