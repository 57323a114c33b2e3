//! What a server has on the host: processes, cgroups, mounts, open files, files and memory.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use runbay_testkit::Process;
use runbay_testkit::TestApp;

/// How long a footprint is waited for to become small.
const SETTLING: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// How many looks in a row must see the same.
const SAME: usize = 4;

const CGROUPS: &str = "/sys/fs/cgroup";

/// What the server has at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Footprint {
    /// Things that must not become more, by name.
    pub(crate) counts: Vec<(&'static str, usize)>,
    pub(crate) service_kib: u64,
    pub(crate) keeper_kib: u64,
    pub(crate) forker_kib: u64,
}

impl Footprint {
    /// Waits until the counts have not changed for a while and are `fine`, or the time is over.
    pub(crate) async fn settled(app: &TestApp, fine: impl Fn(&Self) -> bool) -> Self {
        let end = Instant::now() + SETTLING;
        let mut last = Self::of(app);
        let mut same = 0;
        while Instant::now() < end && (same < SAME || !fine(&last)) {
            tokio::time::sleep(PAUSE).await;
            let now = Self::of(app);
            same = if now.counts == last.counts { same + 1 } else { 0 };
            last = now;
        }
        last
    }

    fn of(app: &TestApp) -> Self {
        let processes = app.processes();
        let pid = |name: &str| processes.iter().find(|process| process.name == name).map_or(0, |process| process.pid);
        let (service, keeper, forker) = (app.pid(), pid("runbay-keeper"), pid("runbay-forker"));
        let cgroups = cgroup_directories(app).iter().map(|directory| count_below(directory)).sum();
        let mounts =
            |pid: i32| fs::read_to_string(format!("/proc/{pid}/mountinfo")).map_or(0, |mounts| mounts.lines().count());
        Self {
            counts: vec![
                ("processes", processes.len()),
                ("cgroups", cgroups),
                ("mounts of the host", mounts(1)),
                ("mounts of the service", mounts(service)),
                ("mounts of the forker", mounts(forker)),
                ("open files of the service", open_files(service)),
                ("open files of the keeper", open_files(keeper)),
                ("open files of the forker", open_files(forker)),
                ("files in the data directory", count_entries(&app.data_directory())),
                ("temporary files of the host", own_temporary_files(app)),
            ],
            service_kib: resident_kib(service),
            keeper_kib: resident_kib(keeper),
            forker_kib: resident_kib(forker),
        }
    }

    /// Returns the names of what there is more of than `before`.
    pub(crate) fn exceeding(&self, before: &Self) -> Vec<&'static str> {
        let pairs = self.counts.iter().zip(&before.counts);
        pairs.filter(|(now, before)| now.1 > before.1).map(|(now, _)| now.0).collect()
    }
}

/// Returns the directory of the server's forker in each cgroup hierarchy.
pub(crate) fn cgroup_directories(app: &TestApp) -> Vec<PathBuf> {
    let forker = app.processes().into_iter().find(|process| process.name == "runbay-forker");
    let instance = forker.and_then(|forker| {
        let paths = opened(forker.pid).into_iter().map(PathBuf::from);
        let mut names = paths.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
        names.find(|name| name.starts_with("runbay."))
    });
    let mut found = Vec::new();
    if let Some(instance) = instance {
        collect(Path::new(CGROUPS), &instance, &mut found);
    }
    found
}

/// Waits until everything of a stopped server is gone, and says what is not.
pub(crate) async fn remaining(processes: &[Process], cgroups: &[PathBuf], patience: Duration) -> Vec<String> {
    let end = Instant::now() + patience;
    loop {
        let alive = processes.iter().filter(|process| process.is_alive());
        let mut left: Vec<String> = alive.map(|process| format!("{process:?} outlives the server")).collect();
        let kept = cgroups.iter().filter(|directory| directory.exists());
        left.extend(kept.map(|directory| format!("{} outlives the server", directory.display())));
        if left.is_empty() || Instant::now() > end {
            return left;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn collect(below: &Path, name: &str, found: &mut Vec<PathBuf>) {
    for directory in directories(below) {
        if directory.file_name().is_some_and(|found| found == name) {
            found.push(directory);
        } else {
            collect(&directory, name, found);
        }
    }
}

fn count_below(directory: &Path) -> usize {
    directories(directory).iter().map(|below| 1 + count_below(below)).sum()
}

fn directories(below: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(below).into_iter().flatten().filter_map(Result::ok);
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

fn count_entries(directory: &Path) -> usize {
    fs::read_dir(directory).map_or(0, Iterator::count)
}

/// Counts what the service's account and the accounts of bays have in the directories for everybody.
fn own_temporary_files(app: &TestApp) -> usize {
    use std::os::unix::fs::MetadataExt;
    let first_uid = fs::metadata(format!("/proc/{}", app.pid())).map_or(u32::MAX, |service| service.uid());
    let shared = ["/tmp", "/var/tmp", "/dev/shm", "/run"];
    let entries = shared.iter().flat_map(|directory| fs::read_dir(directory).into_iter().flatten());
    entries.filter_map(|entry| entry.ok()?.metadata().ok()).filter(|file| file.uid() >= first_uid).count()
}

/// Counts open files without connections of clients, which come and go as the clients like.
fn open_files(pid: i32) -> usize {
    let mut connections = HashSet::new();
    for table in ["tcp", "tcp6"] {
        let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        let inodes = text.lines().skip(1).filter_map(|line| line.split_whitespace().nth(9));
        connections.extend(inodes.map(|inode| format!("socket:[{inode}]")));
    }
    opened(pid).iter().filter(|path| !connections.contains(*path)).count()
}

/// Returns what the open files of a process are called.
fn opened(pid: i32) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.display().to_string())).collect()
}

fn resident_kib(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|value| value.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}
