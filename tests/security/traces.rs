//! What a sandbox leaves to be seen on the host.

use std::collections::HashSet;
use std::fs;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use runbay_testkit::Process;
use runbay_testkit::descendants;

/// Where cgroups are mounted.
const CGROUPS: &str = "/sys/fs/cgroup";

/// Tells one sandbox's processes, fds and cgroups from those of all others.
#[derive(Debug, Clone)]
pub(crate) struct Traces {
    /// The first argument of keeper and forker, and of pid 1 of all bays.
    name: String,
    /// Host uids of bays.
    uids: Range<u32>,
    /// Directories of the first forker, one for each hierarchy.
    cgroups: Vec<PathBuf>,
}

impl Traces {
    /// Looks at a sandbox that has just started.
    pub(crate) fn find(name: String, uids: Range<u32>) -> Self {
        let mut traces = Self { name, uids, cgroups: Vec::new() };
        if let Some(instance) = traces.instance() {
            collect_directories(Path::new(CGROUPS), &instance, &mut traces.cgroups);
        }
        traces
    }

    /// Returns what [`Self::from_text`] reads in another process; it ends with a newline.
    pub(crate) fn to_text(&self) -> String {
        let cgroups = self.cgroups.iter().map(|path| path.display().to_string());
        let mut lines = vec![self.name.clone(), self.uids.start.to_string(), self.uids.end.to_string()];
        lines.extend(cgroups);
        lines.join("\n") + "\n"
    }

    /// Returns the traces of a sandbox that belongs to another process.
    pub(crate) fn from_text(text: &str) -> Self {
        let mut lines = text.lines();
        let mut next = || lines.next().expect("a line");
        let (name, start, end) = (next().to_owned(), next(), next());
        let uid = |text: &str| text.parse().expect("a number");
        Self { name, uids: uid(start)..uid(end), cgroups: lines.map(PathBuf::from).collect() }
    }

    /// Returns all living processes of the sandbox: those with its name or its users, and all below them.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let mut family = HashSet::new();
        // Parents come before their children.
        let all = descendants(0).into_iter();
        all.filter(|one| (family.contains(&one.parent) || self.owns(one.pid)) && family.insert(one.pid)).collect()
    }

    /// Returns the living processes in bays.
    pub(crate) fn programs(&self) -> Vec<Process> {
        let ours = ["runbay-keeper", "runbay-forker"];
        self.processes().into_iter().filter(|process| !ours.contains(&process.name.as_str())).collect()
    }

    pub(crate) fn keeper(&self) -> Process {
        self.named("runbay-keeper")
    }

    pub(crate) fn forker(&self) -> Process {
        self.named("runbay-forker")
    }

    pub(crate) fn forker_fds(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.forker().pid)).expect("the forker lives").count()
    }

    /// Counts this process's ends of the pipes of bays, which belong to the bays' users.
    pub(crate) fn own_pipes(&self) -> usize {
        let fds = fs::read_dir("/proc/self/fd").expect("/proc is mounted");
        fds.filter_map(|fd| fs::metadata(fd.ok()?.path()).ok()).filter(|fd| self.uids.contains(&fd.uid())).count()
    }

    /// Returns which directories of the first forker are still there.
    pub(crate) fn cgroups(&self) -> Vec<&PathBuf> {
        self.cgroups.iter().filter(|path| path.exists()).collect()
    }

    /// Returns how many cgroups of bays there are; the forker keeps one ready.
    pub(crate) fn bay_cgroups(&self) -> usize {
        let count = |path: &PathBuf| {
            fs::read_dir(path)
                .map_or(0, |entries| entries.filter_map(Result::ok).filter(|entry| entry.path().is_dir()).count())
        };
        self.cgroups.iter().map(count).max().unwrap_or(0)
    }

    fn owns(&self, pid: i32) -> bool {
        let directory = PathBuf::from(format!("/proc/{pid}"));
        let named = || {
            let command = fs::read(directory.join("cmdline")).unwrap_or_default();
            command.split(|byte| *byte == 0).next() == Some(self.name.as_bytes())
        };
        fs::metadata(&directory).is_ok_and(|process| self.uids.contains(&process.uid())) || named()
    }

    fn named(&self, name: &str) -> Process {
        let found = self.processes().into_iter().find(|process| process.name == name);
        found.unwrap_or_else(|| panic!("{name} lives"))
    }

    /// Returns the name of the forker's directory in each cgroup hierarchy, of which it holds fds.
    fn instance(&self) -> Option<String> {
        let fds = fs::read_dir(format!("/proc/{}/fd", self.forker().pid)).expect("the forker lives");
        fds.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok())
            .find_map(|path| path.file_name()?.to_str()?.starts_with("runbay.").then_some(path))
            .and_then(|path| Some(path.file_name()?.to_str()?.to_owned()))
    }
}

/// Finds every directory called `name`, which is not below another of that name.
fn collect_directories(below: &Path, name: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(below) else { return };
    for entry in entries.filter_map(Result::ok) {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if entry.file_name().to_str() == Some(name) {
            found.push(entry.path());
        } else {
            collect_directories(&entry.path(), name, found);
        }
    }
}
