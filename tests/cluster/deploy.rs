//! What the container files need is there. No engine is needed to see that.

use std::fs;
use std::path::Path;

/// Returns the files and folders of the repository that a Dockerfile asks for.
fn sources(dockerfile: &str) -> Vec<&str> {
    let mut sources = Vec::new();
    for line in dockerfile.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        if words.first() == Some(&"COPY") && !words.iter().any(|word| word.starts_with("--from=")) {
            let arguments: Vec<_> = words[1..].iter().filter(|word| !word.starts_with("--")).copied().collect();
            sources.extend(&arguments[..arguments.len() - 1]);
        }
        let mounts = words.iter().filter_map(|word| word.strip_prefix("--mount=type=bind,"));
        sources.extend(mounts.flat_map(|mount| mount.split(',')).filter_map(|option| option.strip_prefix("source=")));
    }
    sources
}

#[test]
fn what_the_images_are_made_from_is_sent_to_the_engine() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |file: &str| fs::read_to_string(root.join("deploy").join(file)).expect(file);
    let (dockerfile, ignored) = (read("Dockerfile"), read("Dockerfile.dockerignore"));
    let sent: Vec<_> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let sources = sources(&dockerfile);
    assert!(sources.len() >= 5, "{sources:?}");
    for source in sources.into_iter().filter(|source| *source != ".") {
        assert!(root.join(source).exists(), "{source}");
        assert!(sent.iter().any(|sent| Path::new(source).starts_with(sent)), "{source} is ignored");
    }
    for sent in sent {
        assert!(root.join(sent).exists(), "{sent}");
    }
}
