//! Code that compiles, but to nothing that can be run.

use crate::host::Host;
use crate::shapes::assert_prints;
use crate::shapes::refused;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_program_does_not_compile() {
    let shop =
        "// package main, some day\npackage shop\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(\"open\")\n}\n";
    let module = ("go.mod", "module example.com/shop\n\ngo 1.19\n");
    for (language, files, words) in [
        ("go", &[("main.go", shop)][..], "main.go: package shop is not a main package; a program needs"),
        ("go", &[("main.go", shop), module], "main.go: package shop is not a main package; a program needs"),
        ("go", &[("app/main.go", shop), module], "app/main.go: package shop is not a main package; a program needs"),
        ("go", &[("main.go", "package main\n\nfunc helper() {}\n")], "function main is undeclared in the main package"),
        ("rust", &[("main.rs", "pub fn helper() {}\n")], "`main` function not found"),
        ("rust", &[("main.rs", "#![crate_type = \"lib\"]\npub fn helper() {}\n")], "`main` function not found"),
        ("rust", &[("main.rs", "#![crate_type = \"cdylib\"]\npub fn helper() {}\n")], "`main` function not found"),
        // Linkers differ in their words.
        ("c", &[("main.c", "int helper(void) { return 1; }\n")], "main"),
        ("c", &[("main.c", "")], "main"),
        ("cpp", &[("main.cpp", "int helper() { return 1; }\n")], "main"),
        ("java", &[("Main.java", "import java.util.*;\n")], "there is no class in the program"),
    ] {
        let host = Host::of(language).await;
        let said = refused(&host, language, files).await;
        assert!(said.contains(words), "{language}: {said}");
    }
}

/// A library's attribute does no harm to a program.
#[tokio::test(flavor = "multi_thread")]
async fn rust_makes_a_program_of_whatever_has_a_main() {
    let host = Host::of("rust").await;
    let code = "#![crate_type = \"lib\"]\npub fn main() { println!(\"hi\"); }\n";
    assert_prints(&host, "rust", &[("main.rs", code)], "hi\n").await;
}
