//! What every bay of a forker is made from.

use std::os::fd::OwnedFd;

use super::network::Network;
use crate::bay::Identity;
use crate::cgroup;
use crate::policy;
use crate::wire::Configuration;
use crate::wire::Users;

/// What every bay is made from.
pub(super) struct Ground {
    pub(super) configuration: Configuration,
    /// The host's /proc, opened before its path became unreachable.
    pub(super) proc: OwnedFd,
    pub(super) network: Network,
    pub(super) cgroups: Option<cgroup::Instance>,
    pub(super) filter: policy::Filter,
}

impl Ground {
    /// Returns the users of the bay in a slot.
    pub(super) fn identity(&self, slot: u32) -> Identity {
        match self.configuration.users {
            Users::Range { first_uid } => {
                Identity::Pair { root: first_uid + 2 * slot, program: first_uid + 2 * slot + 1 }
            }
            Users::Own => Identity::Single,
        }
    }
}
