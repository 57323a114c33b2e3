//! Bays whose processes are gone, until their cgroups are.

use super::forgetting::Forgetting;
use super::ground::Ground;
use super::live_bay::LiveBay;

/// A bay without processes.
pub(super) struct Lingering {
    bay: LiveBay,
    remains: Remains,
}

/// What becomes of what a bay left in the memory of the kernel.
enum Remains {
    /// The kernel keeps it until it needs room.
    Stay,
    /// It has to be forgotten.
    Wait,
    Go(Forgetting),
}

impl Lingering {
    pub(super) fn new(bay: LiveBay, ground: &Ground) -> Self {
        let is_cluttered = ground.cgroups.as_ref().is_some_and(|cgroups| cgroups.is_cluttered());
        Self { bay, remains: if is_cluttered { Remains::Wait } else { Remains::Stay } }
    }

    /// Makes one for which there is no time.
    pub(super) fn last(bay: LiveBay) -> Self {
        Self { bay, remains: Remains::Stay }
    }

    pub(super) fn slot(&self) -> u32 {
        self.bay.slot()
    }

    /// Returns whether the kernel is at work for this bay.
    pub(super) fn is_at_work(&self) -> bool {
        matches!(self.remains, Remains::Go(_))
    }

    /// Goes on as far as that is possible without waiting; true once the cgroup is removed.
    ///
    /// Begins to forget only if that `may_begin`.
    pub(super) fn advance(&mut self, ground: &Ground, may_begin: bool) -> bool {
        match &self.remains {
            Remains::Stay => {}
            Remains::Wait if may_begin => {
                self.remains = self.bay.forget().map_or(Remains::Stay, Remains::Go);
                return false;
            }
            Remains::Wait => return false,
            Remains::Go(forgetting) if forgetting.is_over() => self.remains = Remains::Stay,
            Remains::Go(_) => return false,
        }
        self.bay.remove_cgroup(ground)
    }
}
