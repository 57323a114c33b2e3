//! The cgroups of one forker.

use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::CgroupLimits;
use super::Counts;
use super::LIFTED_QUOTA_US;
use super::files;
use super::layout::Layout;
use super::leftovers;
use super::remains;
use super::remains::Remains;
use super::v1;
use super::v2;
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;

/// A forker's own directory in each hierarchy; goes away with [`Instance::remove`], or at the next start of a forker.
pub(crate) struct Instance {
    name: String,
    directories: Directories,
}

/// The directories that hold the forker's own ones, and those.
enum Directories {
    V1 { bases: v1::Parents, own: v1::Parents, remains: Remains },
    V2 { base: OwnedFd, own: OwnedFd },
}

/// The cgroup of one bay.
pub(crate) struct BayCgroup {
    name: String,
    groups: Groups,
}

enum Groups {
    V1(v1::Groups),
    V2(v2::Group),
}

impl Instance {
    /// Makes this forker's cgroups; returns with them the layout that is in use, which says why there are none if the
    /// kernel does not allow it.
    pub(crate) fn claim(layout: Layout) -> Result<(Layout, Option<Self>), StepError> {
        match Self::make(&layout).or_else(|error| Self::claim_delegated(&layout, error)) {
            Ok(instance) => Ok((layout, instance)),
            Err(error) if is_forbidden(error) => {
                let why = std::io::Error::from_raw_os_error(error.errno);
                Ok((Layout::Unusable(format!("no right to use {}: {why}", layout.describe())), None))
            }
            Err(error) => Err(error),
        }
    }

    /// Uses the group of this process, where it was delegated to the user (cgroup-v2.rst, "Delegation").
    fn claim_delegated(layout: &Layout, error: StepError) -> Result<Option<Self>, StepError> {
        match layout {
            Layout::V2 { base, own } if is_forbidden(error) && own != base => Self::make_delegated(own).map(Some),
            _ => Err(error),
        }
    }

    /// Makes this forker's directories and removes those of killed forkers.
    fn make(layout: &Layout) -> Result<Option<Self>, StepError> {
        match layout {
            Layout::Unusable(_) => Ok(None),
            Layout::V1 { memory, pids, cpuacct, cpu } => {
                let bases = v1::Parents {
                    memory: open_base(memory)?,
                    pids: open_base(pids)?,
                    cpuacct: open_base(cpuacct)?,
                    cpu: open_base(cpu)?,
                };
                let all = [&bases.memory, &bases.pids, &bases.cpuacct, &bases.cpu];
                let (name, mut own) = make_directories(&all)?;
                let mut last = || own.pop().expect("four directories were made");
                let (cpu, cpuacct, pids, memory) = (last(), last(), last(), last());
                let own = v1::Parents { memory, pids, cpuacct, cpu };
                own.yield_to_others()?;
                let remains = Remains::v1().during(Step::MakeInstanceCgroup)?;
                Ok(Some(Self { name, directories: Directories::V1 { bases, own, remains } }))
            }
            Layout::V2 { base, .. } => Self::make_v2(open_base(base)?).map(Some),
        }
    }

    /// Makes this forker's directory in the group of this process, which was delegated to the user.
    ///
    /// A group with controllers for those below it must have no processes of its own, so all move into one below.
    fn make_delegated(group: &Path) -> Result<Self, StepError> {
        let base = open_base(group)?;
        let service = files::make_directory(&base, "service").during(Step::MakeInstanceCgroup)?;
        let processes = files::read(&base, "cgroup.procs").during(Step::MakeInstanceCgroup)?;
        for pid in processes.lines() {
            match files::write(&service, "cgroup.procs", pid) {
                // It has ended.
                Err(Errno::SRCH) => {}
                result => result.during(Step::MakeInstanceCgroup)?,
            }
        }
        Self::make_v2(base)
    }

    fn make_v2(base: OwnedFd) -> Result<Self, StepError> {
        enable_controllers(&base)?;
        let (name, mut own) = make_directories(&[&base])?;
        let own = own.pop().expect("one directory was made");
        enable_controllers(&own)?;
        v2::yield_to_others(&own)?;
        Ok(Self { name, directories: Directories::V2 { base, own } })
    }

    /// Makes the cgroup of a bay, without limits.
    pub(crate) fn make_bay(&self, name: String) -> Result<BayCgroup, StepError> {
        let groups = match &self.directories {
            Directories::V1 { own, .. } => v1::Groups::make(own, &name).map(Groups::V1),
            Directories::V2 { own, .. } => v2::Group::make(own, &name).map(Groups::V2),
        };
        match groups {
            Ok(groups) => Ok(BayCgroup { name, groups }),
            Err(error) => {
                // What was made is empty, so only the first error matters.
                _ = self.remove_named(&name);
                Err(error)
            }
        }
    }

    /// Returns whether bays have left so much in the kernel's memory that the next ones have to [`BayCgroup::forget`].
    pub(crate) fn is_cluttered(&self) -> bool {
        match &self.directories {
            Directories::V1 { own, remains, .. } => remains.are_too_many(&own.memory),
            Directories::V2 { own, .. } => Remains::V2.are_too_many(own),
        }
    }

    /// Removes the cgroup of a bay whose processes are all reaped.
    pub(crate) fn remove_bay(&self, cgroup: &BayCgroup) -> Result<(), Errno> {
        self.remove_named(&cgroup.name)
    }

    /// Removes the forker's own directories, once no bay is left.
    pub(crate) fn remove(&self) -> Result<(), Errno> {
        match &self.directories {
            Directories::V1 { bases, .. } => v1::remove(bases, &self.name),
            Directories::V2 { base, .. } => files::remove_directory(base, &self.name),
        }
    }

    fn remove_named(&self, name: &str) -> Result<(), Errno> {
        match &self.directories {
            Directories::V1 { own, .. } => v1::remove(own, name),
            Directories::V2 { own, .. } => files::remove_directory(own, name),
        }
    }
}

impl BayCgroup {
    /// Sets what the bay may use, before anything is in it.
    pub(crate) fn limit(&self, limits: CgroupLimits) -> Result<(), StepError> {
        match &self.groups {
            Groups::V1(groups) => groups.limit(limits),
            Groups::V2(group) => group.limit(limits),
        }
    }

    /// Changes what the bay may use; fails with `BUSY` in version 1 if it has more memory than that already.
    pub(crate) fn change_limit(&self, from: CgroupLimits, to: CgroupLimits) -> Result<(), StepError> {
        match &self.groups {
            Groups::V1(groups) => groups.change_limit(from, to),
            // No limit depends on another one.
            Groups::V2(group) => group.limit(to),
        }
    }

    /// Opens the files to which the bay's first process writes `0` to enter; none where it is cloned into the cgroup.
    pub(crate) fn entries(&self) -> Result<Vec<OwnedFd>, Errno> {
        match &self.groups {
            Groups::V1(groups) => groups.entries(),
            Groups::V2(_) => Ok(Vec::new()),
        }
    }

    /// Returns the directory into which the bay's first process is cloned, where the kernel can do that.
    pub(crate) fn clone_target(&self) -> Option<&OwnedFd> {
        match &self.groups {
            Groups::V1(_) => None,
            Groups::V2(group) => Some(&group.directory),
        }
    }

    /// Opens the file that counts CPU time, for [`read_cpu_us`].
    pub(crate) fn cpu_meter(&self) -> Result<OwnedFd, Errno> {
        match &self.groups {
            Groups::V1(groups) => groups.cpu_meter(),
            Groups::V2(group) => group.cpu_meter(),
        }
    }

    /// Returns what becomes readable when the bay runs out of memory and nobody else acts on it.
    pub(crate) fn memory_event(&self) -> Option<&OwnedFd> {
        match &self.groups {
            Groups::V1(groups) => Some(&groups.memory_event),
            Groups::V2(_) => None,
        }
    }

    /// Returns whether a memory event was this bay's doing: the kernel tells all bays when a group above them runs
    /// out of memory, too.
    pub(crate) fn caused_memory_event(&self) -> bool {
        match &self.groups {
            Groups::V1(groups) => groups.reached_limit(),
            Groups::V2(_) => false,
        }
    }

    /// Returns what was counted until now.
    pub(crate) fn counts(&self) -> Counts {
        match &self.groups {
            Groups::V1(groups) => groups.counts(),
            Groups::V2(group) => group.counts(),
        }
    }

    /// Returns the one directory that [`Self::forget`] needs.
    pub(crate) fn memory_directory(&self) -> BorrowedFd<'_> {
        match &self.groups {
            Groups::V1(groups) => groups.memory.as_fd(),
            Groups::V2(group) => group.directory.as_fd(),
        }
    }

    /// Makes the kernel forget what the bay read and looked for, once its processes are gone; takes up to a second.
    pub(crate) fn forget(&self) -> Result<(), Errno> {
        match &self.groups {
            Groups::V1(groups) => remains::forget_v1(&groups.memory),
            Groups::V2(group) => remains::forget_v2(&group.directory),
        }
    }

    /// Sets how much CPU time the bay may use in each period.
    pub(crate) fn set_cpu_quota(&self, quota_us: u32) -> Result<(), Errno> {
        match &self.groups {
            Groups::V1(groups) => groups.set_cpu_quota(quota_us),
            Groups::V2(group) => group.set_cpu_quota(quota_us),
        }
    }

    /// Returns the CPU time used until now, in microseconds; none if the kernel does not tell.
    pub(crate) fn cpu_used_us(&self) -> Option<u64> {
        match &self.groups {
            Groups::V1(groups) => groups.cpu_used_us(),
            Groups::V2(group) => group.cpu_used_us(),
        }
    }

    /// Returns the ids of all threads in the cgroup as this process sees them.
    pub(crate) fn threads(&self) -> Result<Vec<i32>, Errno> {
        let text = match &self.groups {
            Groups::V1(groups) => groups.threads()?,
            Groups::V2(group) => group.threads()?,
        };
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// Kills every process in the cgroup, without help of any of them.
    pub(crate) fn kill(&self) -> Result<(), Errno> {
        // A process that waits for the next period cannot die before it.
        _ = self.set_cpu_quota(LIFTED_QUOTA_US);
        match &self.groups {
            Groups::V1(groups) => groups.kill(),
            Groups::V2(group) => group.kill(),
        }
    }
}

/// Reads a file of [`BayCgroup::cpu_meter`]: nanoseconds in version 1, keyed microseconds in version 2.
pub(crate) fn read_cpu_us(meter: impl AsFd) -> Option<u64> {
    let mut text = [0; 512];
    let count = rustix::io::pread(meter, &mut text, 0).ok()?;
    let text = String::from_utf8_lossy(&text[..count]);
    files::number(&text).map(|nanoseconds| nanoseconds / 1_000).or_else(|| files::keyed_number(&text, "usage_usec"))
}

/// Returns whether the kernel denies this user cgroups: ordinary users have none without delegation; containers often
/// have read-only ones, or processes in the only group they see, which then can have no groups below it.
fn is_forbidden(error: StepError) -> bool {
    [Errno::ACCESS, Errno::PERM, Errno::ROFS, Errno::BUSY].map(Errno::raw_os_error).contains(&error.errno)
}

fn open_base(path: &Path) -> Result<OwnedFd, StepError> {
    rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .during(Step::MakeInstanceCgroup)
}

fn enable_controllers(directory: &OwnedFd) -> Result<(), StepError> {
    files::write(directory, "cgroup.subtree_control", v2::CONTROLLERS).during(Step::MakeInstanceCgroup)
}

/// Cleans `bases`, then makes a directory of one new name in each; the first one is locked.
fn make_directories(bases: &[&OwnedFd]) -> Result<(String, Vec<OwnedFd>), StepError> {
    // Other forkers may start at this moment: between making and locking, a directory looks abandoned.
    rustix::fs::flock(bases[0], FlockOperation::LockExclusive).during(Step::MakeInstanceCgroup)?;
    let made = clean_and_make(bases);
    rustix::fs::flock(bases[0], FlockOperation::Unlock).during(Step::MakeInstanceCgroup)?;
    made
}

fn clean_and_make(bases: &[&OwnedFd]) -> Result<(String, Vec<OwnedFd>), StepError> {
    for name in leftovers::abandoned(bases[0]).during(Step::CleanCgroups)? {
        // The locked hierarchy goes last, so that a cleaner that dies half-way is followed by another.
        for base in bases.iter().rev() {
            match leftovers::remove(base, &name) {
                // A process that even SIGKILL does not end (a hanging disk) must not keep the service from starting.
                Err(Errno::BUSY) => break,
                result => result.during(Step::CleanCgroups)?,
            }
        }
    }
    let name = format!("{}{:016x}", leftovers::PREFIX, random().during(Step::MakeInstanceCgroup)?);
    let mut made = Vec::new();
    for base in bases {
        made.push(files::make_directory(base, &name).during(Step::MakeInstanceCgroup)?);
    }
    rustix::fs::flock(&made[0], FlockOperation::NonBlockingLockExclusive).during(Step::MakeInstanceCgroup)?;
    Ok((name, made))
}

fn random() -> Result<u64, Errno> {
    let mut bytes = [0_u8; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(u64::from_ne_bytes(bytes))
}
