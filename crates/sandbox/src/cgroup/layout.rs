//! Finds out where this process may make cgroups.

use std::path::Path;
use std::path::PathBuf;

/// Which hierarchies there are to use, and the directory in each below which a forker makes its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One hierarchy with all controllers: its root as far as this host shows it, and the group of this process.
    V2 { base: PathBuf, own: PathBuf },
    /// One hierarchy for each controller; `cpu` and `cpuacct` are often the same one.
    V1 { memory: PathBuf, pids: PathBuf, cpuacct: PathBuf, cpu: PathBuf },
    /// None, for this reason.
    Unusable(String),
}

impl Layout {
    /// Reads `/proc/self/mountinfo`, `/proc/self/cgroup` and the controllers of a version 2 hierarchy.
    pub(crate) fn detect() -> std::io::Result<Self> {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
        let memberships = std::fs::read_to_string("/proc/self/cgroup")?;
        Ok(Self::from_texts(&mounts, &memberships, |mount| {
            std::fs::read_to_string(mount.join("cgroup.controllers")).unwrap_or_default()
        }))
    }

    fn from_texts(mountinfo: &str, memberships: &str, controllers: impl Fn(&Path) -> String) -> Self {
        let mounts: Vec<_> = mountinfo.lines().filter_map(Mount::parse).collect();
        if let Some(mount) = mounts.iter().find(|mount| mount.kind == "cgroup2") {
            let available = controllers(&mount.point);
            if ["cpu", "memory", "pids"].iter().all(|name| available.split_whitespace().any(|word| word == *name)) {
                let own = membership(memberships, "").map_or_else(|| mount.point.clone(), |path| mount.resolve(path));
                return Self::V2 { base: mount.point.clone(), own };
            }
        }
        let v1 = |controller: &str| {
            let mount = mounts
                .iter()
                .find(|mount| mount.kind == "cgroup" && mount.options.split(',').any(|option| option == controller))?;
            Some(mount.resolve(membership(memberships, controller)?))
        };
        match (v1("memory"), v1("pids"), v1("cpuacct"), v1("cpu")) {
            (Some(memory), Some(pids), Some(cpuacct), Some(cpu)) => Self::V1 { memory, pids, cpuacct, cpu },
            (memory, pids, cpuacct, cpu) => {
                let missing: Vec<_> = [("memory", memory), ("pids", pids), ("cpuacct", cpuacct), ("cpu", cpu)]
                    .into_iter()
                    .filter_map(|(name, found)| found.is_none().then_some(name))
                    .collect();
                Self::Unusable(format!("no cgroup hierarchy has the controllers {}", missing.join(", ")))
            }
        }
    }

    /// Returns a short name for people.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::V2 { .. } => "cgroup v2".to_owned(),
            Self::V1 { .. } => "cgroup v1".to_owned(),
            Self::Unusable(why) => format!("none: {why}"),
        }
    }
}

/// A cgroup mount of /proc/self/mountinfo, see proc(5).
struct Mount {
    root: PathBuf,
    point: PathBuf,
    kind: String,
    options: String,
}

impl Mount {
    fn parse(line: &str) -> Option<Self> {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ');
        let root = left.nth(3)?;
        let point = left.next()?;
        let mut right = right.split(' ');
        let kind = right.next()?;
        let options = right.nth(1)?;
        kind.starts_with("cgroup").then(|| Self {
            root: root.into(),
            point: point.into(),
            kind: kind.to_owned(),
            options: options.to_owned(),
        })
    }

    /// Returns where the group `path` of this hierarchy is found below the mount point.
    ///
    /// In a container the mount shows only a part of the hierarchy; a group outside that part is stood in for by
    /// the part's root.
    fn resolve(&self, path: &str) -> PathBuf {
        Path::new(path).strip_prefix(&self.root).map_or_else(|_| self.point.clone(), |inside| self.point.join(inside))
    }
}

/// Finds this process's group in the hierarchy of a version 1 controller, see cgroups(7).
fn membership<'a>(memberships: &'a str, controller: &str) -> Option<&'a str> {
    memberships.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let controllers = fields.next()?;
        let path = fields.next()?;
        controllers.split(',').any(|name| name == controller).then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1_MOUNTS: &str = "\
25 21 0:22 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
26 25 0:23 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
27 25 0:24 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
28 25 0:25 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
29 25 0:26 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
    const V1_GROUPS: &str = "4:pids:/\n3:memory:/system/one\n2:cpu,cpuacct:/\n0::/\n";

    #[test]
    fn version_1_is_used_where_version_2_has_no_controllers() {
        let layout = Layout::from_texts(V1_MOUNTS, V1_GROUPS, |_| "hugetlb\n".to_owned());
        assert_eq!(
            layout,
            Layout::V1 {
                memory: "/sys/fs/cgroup/memory/system/one".into(),
                pids: "/sys/fs/cgroup/pids".into(),
                cpuacct: "/sys/fs/cgroup/cpu,cpuacct".into(),
                cpu: "/sys/fs/cgroup/cpu,cpuacct".into(),
            }
        );
    }

    #[test]
    fn version_2_is_preferred() {
        let groups = V1_GROUPS.replace("0::/", "0::/user/one");
        let layout = Layout::from_texts(V1_MOUNTS, &groups, |_| "cpuset cpu io memory pids\n".to_owned());
        let (base, own) = ("/sys/fs/cgroup/unified".into(), "/sys/fs/cgroup/unified/user/one".into());
        assert_eq!(layout, Layout::V2 { base, own });
    }

    #[test]
    fn a_container_sees_a_part_of_the_hierarchy() {
        let mounts = "\
27 25 0:24 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
28 25 0:25 /docker/abc /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
26 25 0:23 /docker/abc /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct
29 25 0:26 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
";
        let groups = "3:memory:/docker/abc/inner\n4:pids:/docker/abc\n5:cpuacct:/elsewhere\n6:cpu:/docker/abc\n";
        assert_eq!(
            Layout::from_texts(mounts, groups, |_| String::new()),
            Layout::V1 {
                memory: "/sys/fs/cgroup/memory/inner".into(),
                pids: "/sys/fs/cgroup/pids".into(),
                cpuacct: "/sys/fs/cgroup/cpuacct".into(),
                cpu: "/sys/fs/cgroup/cpu".into(),
            }
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let layout = Layout::from_texts("", "", |_| String::new());
        assert_eq!(layout.describe(), "none: no cgroup hierarchy has the controllers memory, pids, cpuacct, cpu");
    }
}
