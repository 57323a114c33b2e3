//! The forker: one thread that makes bays, kills them and reads their accounts.
//!
//! It is the only long-lived process with rights on the host, so it does as little as possible: it opens no path,
//! reads nothing that a program could have written, and never waits for a bay.

mod bays;
mod clone;
mod cpu_wait;
mod etc;
mod forgetting;
mod ground;
mod lingering;
mod live_bay;
mod namespaces;
mod network;
mod prepared;
mod root;
mod share;
mod shares;

use std::os::fd::AsFd;
use std::os::fd::OwnedFd;

use crate::cgroup;
use crate::packet;
use crate::policy;
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;
use crate::wire::Configuration;
use crate::wire::Isolation;
use crate::wire::Reply;
use crate::wire::Users;
use crate::wire::encode;

use bays::Bays;
use ground::Ground;
use shares::Shares;

/// Runs the forker until `service` is closed.
pub(crate) fn forker_main(service: OwnedFd, configuration: Configuration) {
    let first = prepare(configuration);
    let reply = match &first {
        Ok((_, _, layout)) => Reply::Ready {
            isolation: if matches!(layout, cgroup::Layout::Unusable(_)) { Isolation::Rlimits } else { Isolation::Full },
            cgroups: layout.describe(),
        },
        Err(error) => Reply::Unusable(*error),
    };
    if packet::send(&service, &encode(&reply), &[]).is_err() {
        return;
    }
    if let Ok((ground, shares, _)) = first {
        Bays::new(service, ground, shares).serve();
    }
}

fn prepare(configuration: Configuration) -> Result<(Ground, Shares, cgroup::Layout), StepError> {
    // The keeper's death must not leave a forker behind.
    clone::die_with_parent().during(Step::PrepareForker)?;
    let proc = root::open_directory("/proc").during(Step::ReadProc)?;
    let layout = cgroup::Layout::detect().during(Step::FindCgroups)?;
    let shares = Shares::new();
    let (layout, cgroups) = cgroup::Instance::claim(layout)?;
    if configuration.users == Users::Own {
        namespaces::become_root_of_own()?;
    }
    let network = network::Network::new(proc.as_fd())?;
    clone::keep_capabilities().during(Step::PrepareForker)?;
    root::enter(&configuration)?;
    namespaces::set_names()?;
    let filter = policy::Filter::compile(configuration.users == Users::Own)?;
    Ok((Ground { configuration, proc, network, cgroups, filter }, shares, layout))
}
