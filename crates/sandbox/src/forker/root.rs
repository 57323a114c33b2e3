//! The read-only root file system that all bays share.
//!
//! The forker builds it once in its own mount namespace and moves into it. A bay gets a copy of that namespace
//! by `CLONE_NEWNS` and adds only what is its own: /proc and the file system of /box, /opt/artefact, /tmp and /dev/shm.
//! The host's other directories are not hidden in there, they do not exist.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::mount::FsMountFlags;
use rustix::mount::FsOpenFlags;
use rustix::mount::MountAttrFlags;
use rustix::mount::MountPropagationFlags;
use rustix::mount::MoveMountFlags;
use rustix::mount::OpenTreeFlags;
use rustix::mount::UnmountFlags;
use rustix::thread::UnshareFlags;

use super::etc;
use crate::bay::DEVICES;
use crate::bay::DEVICES_BESIDE_TERMINAL;
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;
use crate::step::last_errno;
use crate::wire::Configuration;
use crate::wire::SupportFile;

/// Where [`SupportFile`]s are found.
const SUPPORT_DIRECTORY: &str = "opt/runbay";

/// Directories that exist in every bay. What is mounted on them is added later, by forker or bay.
const DIRECTORIES: &[&str] = &[
    "box",
    "dev",
    "dev/shm",
    "etc",
    "mnt",
    "mnt/dev",
    "mnt/dev/pts",
    "mnt/dev/shm",
    "opt",
    "opt/artefact",
    SUPPORT_DIRECTORY,
    "proc",
    "run",
    "tmp",
    "usr",
    "var",
];

/// Host files that dynamic linking and Debian's alternatives need, where they exist.
const HOST_FILES: &[&str] = &["/etc/ld.so.cache", "/etc/alternatives"];

/// Top directories that are links into /usr on a merged-usr host, and directories of their own elsewhere.
const USR_LINKS: &[&str] = &["bin", "lib", "lib32", "lib64", "libx32", "sbin"];

/// Links in `/dev`.
const DEVICE_LINKS: &[(&str, &str)] = &[
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// A host path as a mount of its own that is not attached anywhere yet.
struct Tree {
    mount: OwnedFd,
    /// Where it goes, relative to the root.
    target: PathBuf,
    is_directory: bool,
    attributes: u64,
}

/// Builds the root file system in a new mount namespace and makes it the forker's own root.
pub(crate) fn enter(configuration: &Configuration) -> Result<(), StepError> {
    unshare_mounts().during(Step::MountNamespace)?;
    rustix::mount::mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)
        .during(Step::PrivatePropagation)?;

    let trees = open_trees(configuration)?;
    let root = mount_tmpfs().during(Step::MountRoot)?;
    fill(&root, configuration).during(Step::FillRoot)?;
    for tree in &trees {
        attach(&root, tree)?;
    }
    set_attributes(&root, libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV, 0)
        .during(Step::LockMount)?;

    rustix::process::fchdir(&root).during(Step::PivotRoot)?;
    // With both the same the old root ends up on top of the new one (pivot_root(2), NOTES), where it is unmounted.
    rustix::process::pivot_root(".", ".").during(Step::PivotRoot)?;
    rustix::mount::unmount(".", UnmountFlags::DETACH).during(Step::UnmountHost)?;
    rustix::process::chdir("/").during(Step::PivotRoot)
}

/// Opens a directory to be used after [`enter`] made its path unreachable.
pub(crate) fn open_directory(path: &str) -> Result<OwnedFd, Errno> {
    rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn unshare_mounts() -> Result<(), Errno> {
    // SAFETY: the forker has one thread and no state that depends on which mount namespace it is in.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }
}

fn open_trees(configuration: &Configuration) -> Result<Vec<Tree>, StepError> {
    const LOCKED: u64 = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
    const DEVICE: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC;
    let mut trees = Vec::new();
    let mut open = |path: &Path, attributes| -> Result<(), StepError> {
        trees.push(open_tree(path, attributes).during(Step::OpenHostPath)?);
        Ok(())
    };
    open(Path::new("/usr"), LOCKED)?;
    for name in USR_LINKS {
        let path = Path::new("/").join(name);
        if path.is_dir() && !path.is_symlink() {
            open(&path, LOCKED)?;
        }
    }
    for path in HOST_FILES.iter().map(Path::new).filter(|path| path.exists()) {
        open(path, LOCKED)?;
    }
    for name in DEVICES {
        open(&Path::new("/dev").join(name), DEVICE)?;
    }
    // The kernel lets a user namespace mount /proc only where one is visible already. The bay's own covers this.
    open(Path::new("/proc"), libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC)?;

    // Read-only stops nobody from writing to a device.
    let tty = open_tree(Path::new("/dev/tty"), DEVICE | libc::MOUNT_ATTR_RDONLY).during(Step::OpenHostPath)?;
    trees.push(Tree { target: Path::new(DEVICES_BESIDE_TERMINAL).join("tty"), ..tty });

    let mut mounts = configuration.mounts.clone();
    // So that a directory comes before what is below it.
    mounts.sort();
    for path in mounts {
        if let Some(tree) = open_mount(&path, LOCKED, &trees).during(Step::OpenHostPath)? {
            trees.push(tree);
        }
    }
    Ok(trees)
}

/// Opens a configured path; none if this host does not have it, or if `trees` show it already.
fn open_mount(path: &Path, attributes: u64, trees: &[Tree]) -> Result<Option<Tree>, Errno> {
    // The root file system lacks the host's links, so the path must not lead through one. The last name may be one:
    // what it leads to is mounted in its place.
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Errno::INVAL);
    };
    let path = match parent.canonicalize() {
        Ok(parent) => parent.join(name),
        Err(error) => return absent(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
    };
    if trees.iter().any(|tree| tree.shows(&path)) {
        return Ok(None);
    }
    open_tree(&path, attributes).map(Some).or_else(absent)
}

/// Takes what does not exist for nothing.
fn absent(error: Errno) -> Result<Option<Tree>, Errno> {
    match error {
        Errno::NOENT | Errno::NOTDIR => Ok(None),
        error => Err(error),
    }
}

impl Tree {
    /// Returns whether an absolute path is this tree or in it.
    fn shows(&self, path: &Path) -> bool {
        path.strip_prefix("/").is_ok_and(|path| path.starts_with(&self.target))
    }
}

fn open_tree(path: &Path, attributes: u64) -> Result<Tree, Errno> {
    // Below /usr there may be mounts that belong to it. A user namespace could not even leave them out.
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    let mount = rustix::mount::open_tree(rustix::fs::CWD, path, flags)?;
    let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&mount)?.st_mode);
    Ok(Tree {
        mount,
        target: path.strip_prefix("/").map_err(|_| Errno::INVAL)?.to_owned(),
        is_directory: kind == rustix::fs::FileType::Directory,
        attributes,
    })
}

/// Mounts an empty tmpfs over a directory that every host has; only this mount namespace sees it.
fn mount_tmpfs() -> Result<OwnedFd, Errno> {
    let context = rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    rustix::mount::fsconfig_set_string(&context, "size", "16m")?;
    rustix::mount::fsconfig_set_string(&context, "mode", "0755")?;
    rustix::mount::fsconfig_create(&context)?;
    let root = rustix::mount::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
    rustix::mount::move_mount(&root, "", rustix::fs::CWD, "/tmp", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
    Ok(root)
}

fn fill(root: &OwnedFd, configuration: &Configuration) -> Result<(), Errno> {
    for directory in DIRECTORIES {
        make_directories(root, Path::new(directory))?;
    }
    for (name, content) in etc::FILES {
        write_file(root, Path::new(name), content.as_bytes())?;
    }
    for (link, target) in etc::LINKS {
        rustix::fs::symlinkat(*target, root, *link)?;
    }
    for directory in ["dev", DEVICES_BESIDE_TERMINAL].map(Path::new) {
        for (link, target) in DEVICE_LINKS {
            rustix::fs::symlinkat(*target, root, directory.join(link))?;
        }
    }
    for name in DEVICES {
        write_file(root, &Path::new(DEVICES_BESIDE_TERMINAL).join(name), b"")?;
    }
    for name in USR_LINKS {
        match rustix::fs::readlink(Path::new("/").join(name), Vec::new()) {
            Ok(target) => rustix::fs::symlinkat(target, root, *name)?,
            Err(Errno::INVAL | Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
    }
    fill_support(root, &configuration.support_files)
}

/// Writes files of ours; the same one may be there several times, but not two of one name.
fn fill_support(root: &OwnedFd, files: &[SupportFile]) -> Result<(), Errno> {
    let mut written = BTreeMap::new();
    for file in files {
        match written.insert(&file.path, &file.content) {
            None => write_file(root, &Path::new(SUPPORT_DIRECTORY).join(&file.path), &file.content)?,
            Some(content) if *content == file.content => {}
            Some(_) => return Err(Errno::EXIST),
        }
    }
    Ok(())
}

fn attach(root: &OwnedFd, tree: &Tree) -> Result<(), StepError> {
    if tree.is_directory {
        make_directories(root, &tree.target).during(Step::FillRoot)?;
    } else {
        write_file(root, &tree.target, b"").during(Step::FillRoot)?;
    }
    rustix::mount::move_mount(&tree.mount, "", root, &*tree.target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .during(Step::MoveMount)?;
    set_attributes(&tree.mount, tree.attributes, libc::AT_RECURSIVE).during(Step::LockMount)
}

fn make_directories(root: &OwnedFd, path: &Path) -> Result<(), Errno> {
    let mut made = PathBuf::new();
    for name in path {
        made.push(name);
        match rustix::fs::mkdirat(root, &made, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn write_file(root: &OwnedFd, path: &Path, content: &[u8]) -> Result<(), Errno> {
    if let Some(parent) = path.parent() {
        make_directories(root, parent)?;
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = rustix::fs::openat(root, path, flags, Mode::from_raw_mode(0o644))?;
    let mut rest = content;
    while !rest.is_empty() {
        let written = rustix::io::write(&file, rest)?;
        rest = &rest[written..];
    }
    Ok(())
}

/// Adds attributes to a mount, see mount_setattr(2).
fn set_attributes(mount: impl AsFd, attributes: u64, flags: libc::c_int) -> Result<(), Errno> {
    use std::os::fd::AsRawFd;
    let change = libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: the fd is open, the path is a C string, and the size is that of the struct that is pointed to.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | flags,
            &raw const change,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temporary() -> (tempfile::TempDir, OwnedFd) {
        let directory = tempfile::tempdir().unwrap();
        let root = open_directory(directory.path().to_str().unwrap()).unwrap();
        (directory, root)
    }

    fn shown(target: &str) -> Tree {
        let mount = open_directory("/").unwrap();
        Tree { mount, target: target.into(), is_directory: true, attributes: 0 }
    }

    #[test]
    fn a_support_file_may_be_named_twice_but_not_with_other_contents() {
        let (directory, root) = temporary();
        let file = |content: &[u8]| SupportFile { path: "java/compile.sh".into(), content: content.to_vec() };
        assert_eq!(fill_support(&root, &[file(b"one"), file(b"one")]), Ok(()));
        assert_eq!(std::fs::read(directory.path().join("opt/runbay/java/compile.sh")).unwrap(), b"one");
        assert_eq!(fill_support(&root, &[file(b"one"), file(b"other")]), Err(Errno::EXIST));
    }

    #[test]
    fn what_is_not_there_or_shown_already_is_not_mounted() {
        let (directory, _) = temporary();
        std::fs::write(directory.path().join("file"), "").unwrap();
        std::os::unix::fs::symlink("nowhere", directory.path().join("dangling")).unwrap();
        std::os::unix::fs::symlink("/usr", directory.path().join("usr")).unwrap();
        let trees = [shown("usr"), shown("opt/a")];
        for path in ["absent", "absent/x", "file/x", "dangling", "usr/lib"] {
            let opened = open_mount(&directory.path().join(path), 0, &trees);
            assert!(matches!(opened, Ok(None)), "{path}");
        }
        for path in ["/usr", "/usr/lib/x", "/opt/a"] {
            assert!(trees.iter().any(|tree| tree.shows(Path::new(path))), "{path}");
        }
        assert!(!trees.iter().any(|tree| tree.shows(Path::new("/opt/ab"))));
        for path in ["/", "/etc/.."] {
            assert!(matches!(open_mount(Path::new(path), 0, &trees), Err(Errno::INVAL)), "{path}");
        }
    }
}
