//! How much memory this process and everything below it may have.

use std::path::Path;

use super::layout::Layout;

/// Returns the lowest memory limit of the cgroups that this process is in, in bytes; none when there is no limit.
///
/// Read from `memory.max` (cgroup-v2.rst) or `memory.limit_in_bytes` (cgroup-v1/memory.rst), which says a number
/// beyond any memory where there is no limit.
#[must_use]
pub fn memory_limit_bytes() -> Option<u64> {
    match Layout::detect().ok()? {
        Layout::V2 { own, .. } => lowest(&own, "memory.max"),
        Layout::V1 { memory, .. } => lowest(&memory, "memory.limit_in_bytes"),
        Layout::Unusable(_) => None,
    }
}

/// A group has the limits of those above it, too; above the root of the hierarchy there is no such file.
fn lowest(group: &Path, file: &str) -> Option<u64> {
    let limits = group.ancestors().filter_map(|group| std::fs::read_to_string(group.join(file)).ok());
    limits.filter_map(|text| text.trim().parse().ok()).min()
}

#[cfg(test)]
mod tests {
    use std::fs::create_dir_all;
    use std::fs::write;

    use super::*;

    #[test]
    fn the_lowest_limit_on_the_way_up_counts() {
        let root = tempfile::tempdir().unwrap();
        let group = root.path().join("pod/container");
        create_dir_all(&group).unwrap();
        assert_eq!(lowest(&group, "memory.max"), None);
        write(group.join("memory.max"), "max\n").unwrap();
        assert_eq!(lowest(&group, "memory.max"), None);
        write(root.path().join("pod/memory.max"), "2147483648\n").unwrap();
        assert_eq!(lowest(&group, "memory.max"), Some(2 << 30));
        write(group.join("memory.max"), "1073741824\n").unwrap();
        assert_eq!(lowest(&group, "memory.max"), Some(1 << 30));
    }
}
