//! The worked example of README: a language that an operator adds.

use std::path::Path;

use runbay_model::Verdict;

use crate::host::Host;
use crate::host::Input;

#[tokio::test(flavor = "multi_thread")]
async fn one_file_in_a_folder_is_a_language() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/languages");
    let host = Host::of_added("awk", &folder).await;
    let code = host.template("awk");
    let input = Input { files: vec![("main.awk".to_owned(), code.into_bytes())], ..Input::default() };
    let (verdict, outcome) = host.run("awk", input).await;
    assert_eq!((verdict, &*outcome.output.stdout), (Verdict::Completed, &b"Hello, World!\n"[..]), "{outcome:#?}");
    let broken = host.check("awk", vec![("main.awk".to_owned(), b"BEGIN {\n    print (1\n}\n".to_vec())]).await;
    assert_eq!((broken.diagnostics[0].line, broken.diagnostics[0].file.as_deref()), (Some(2), Some("main.awk")));
}

#[test]
fn the_readme_shows_the_file_that_works() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    assert!(read("README.md").contains(&read("docs/examples/languages/awk.toml")), "README.md shows another file");
}
