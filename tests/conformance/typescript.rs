//! The check of TypeScript: it has nothing to say of programs that run.

use std::fs;
use std::path::Path;

use runbay_model::Verdict;

use crate::host::Host;
use crate::host::Input;
use crate::programs::files_below;

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_run_have_no_findings() {
    let host = Host::of("typescript").await;
    let mut complaints = Vec::new();
    let mut count = 0;
    for folder in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/typescript")).unwrap() {
        let folder = folder.unwrap().path();
        let files = files_below(&folder, |name| name.starts_with("main."));
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
