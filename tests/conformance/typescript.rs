//! The check of TypeScript: it has nothing to say of programs that run.

use std::fs;
use std::path::Path;

use runbay_model::Verdict;

use crate::host::Host;
use crate::host::Input;

/// Returns the files of one program, its `main` first.
fn program(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let name = entry.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.push((name, fs::read(&entry).unwrap()));
            }
        }
    }
    files.sort_by_key(|(name, _)| (!name.starts_with("main."), name.clone()));
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_run_have_no_findings() {
    let host = Host::of("typescript").await;
    let mut complaints = Vec::new();
    let mut count = 0;
    for folder in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/typescript")).unwrap() {
        let folder = folder.unwrap().path();
        let files = program(&folder);
        let input = Input { files: files.clone(), stdin: b"one\ntwo\n".to_vec(), ..Input::default() };
        let (verdict, outcome) = host.run("typescript", input).await;
        if verdict != Verdict::Completed {
            let said = [Some(&outcome.output.stderr), outcome.output.compile_output.as_ref()];
            let said = said.into_iter().flatten().map(|text| String::from_utf8_lossy(text)).collect::<String>();
            complaints.push(format!("{} does not run: {verdict:?}\n{said}", folder.display()));
        }
        let report = host.check("typescript", files).await;
        if report.message.is_some() || !report.diagnostics.is_empty() {
            complaints.push(format!("{}: {report:#?}", folder.display()));
        }
        count += 1;
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n\n"));
    assert!(count >= 20, "{count} programs");
}
