//! C, C++ and Go: which of several sources are compiled by themselves.

use crate::host::Host;
use crate::shapes::assert_prints;
use crate::shapes::refused;

const AREA: &str = "int area(int width, int height) {\n    return width * height;\n}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_another_one_includes_is_compiled_once() {
    let host = Host::of("cpp").await;
    let main = |include: &str| {
        format!("#include <iostream>\n{include}\nint main() {{\n    std::cout << area(3, 4) << '\\n';\n}}\n")
    };
    let includes = main("#include \"area.cpp\"");
    assert_prints(&host, "cpp", &[("included.cpp", &includes), ("area.cpp", AREA)], "12\n").await;
    // Through a header, which may be included by the source itself.
    let header = "#ifndef AREA\n#define AREA\nint area(int width, int height);\n#include \"area.cpp\"\n#endif\n";
    let area = format!("#include \"area.h\"\n{AREA}");
    let through = main("#include \"area.h\"");
    assert_prints(&host, "cpp", &[("main.cpp", &through), ("area.h", header), ("area.cpp", &area)], "12\n").await;
    // From another directory, by another way, with blanks in the name.
    let far = main("#  include \"../lib/./my area.cc\"");
    assert_prints(&host, "cpp", &[("app/main.cpp", &far), ("lib/my area.cc", AREA)], "12\n").await;
    // By a macro.
    let by_macro = main("#define FILE \"area.cpp\"\n#include FILE");
    assert_prints(&host, "cpp", &[("main.cpp", &by_macro), ("area.cpp", AREA)], "12\n").await;

    let host = Host::of("c").await;
    let print = "int printf(const char *, ...);\nint main(void) { printf(\"%d\\n\", area(3, 4)); }\n";
    let chain = format!("#include \"all.c\"\n{print}");
    let all = "#include \"area.c\"\n";
    assert_prints(&host, "c", &[("main.c", &chain), ("area.c", AREA), ("all.c", all)], "12\n").await;
    // The first file may itself be the part of another one.
    let part = format!("int area(int width, int height);\n{print}");
    let whole = format!("#include \"main.c\"\n{AREA}");
    assert_prints(&host, "c", &[("main.c", &part), ("whole.c", &whole)], "12\n").await;
    // Two include each other.
    let one = format!("#ifndef ONE\n#define ONE\n#include \"two.c\"\n{print}#endif\n");
    let two = format!("#ifndef TWO\n#define TWO\n#include \"one.c\"\n{AREA}#endif\n");
    assert_prints(&host, "c", &[("one.c", &one), ("two.c", &two)], "12\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_nobody_includes_is_compiled_by_itself() {
    let host = Host::of("c").await;
    let main = "#include \"area.h\"\n#if 0\n#include \"area.c\"\n#endif\n/*\n#include \"area.c\"\n*/\n\
        int printf(const char *, ...);\nint main(void) { printf(\"%d\\n\", area(3, 4)); }\n";
    let header = "int area(int width, int height);\n";
    let files = [("main.c", main), ("area.h", header), ("lib/area.c", AREA)];
    assert_prints(&host, "c", &files, "12\n").await;
    let said = refused(&host, "c", &[("main.c", main), ("area.h", header), ("lib/area.c", "int x = ;\n")]).await;
    assert!(said.contains("lib/area.c:1:9: error"), "{said}");
    // Two programs are not one.
    let said = refused(&host, "c", &[("main.c", "int main(void) { }\n"), ("two.c", "int main(void) { }\n")]).await;
    assert!(said.contains("multiple definition") && said.contains("main"), "{said}");
}

/// A part that is no source by itself has no faults of its own.
#[tokio::test(flavor = "multi_thread")]
async fn the_check_reads_the_same_sources() {
    let main = "typedef int length;\n#include \"area.c\"\nint main(void) { return area(3, 4); }\n";
    let area = "length area(length width, length height) { return width * height; }\n";
    for (language, ending) in [("c", "c"), ("cpp", "cpp")] {
        let host = Host::of(language).await;
        let main = main.replace("area.c", &format!("area.{ending}"));
        let files = [(format!("main.{ending}"), main.into_bytes()), (format!("area.{ending}"), area.into())];
        let report = host.check(language, files.into()).await;
        assert!(report.diagnostics.is_empty() && report.message.is_none(), "{report:#?}");
    }
}

/// As `g++ main.cpp area.c` does.
#[tokio::test(flavor = "multi_thread")]
async fn sources_in_c_are_a_part_of_a_program_in_cpp() {
    let host = Host::of("cpp").await;
    let main =
        "#include <iostream>\nint area(int width, int height);\nint main() { std::cout << area(3, 4) << '\\n'; }\n";
    assert_prints(&host, "cpp", &[("main.cpp", main), ("area.c", AREA)], "12\n").await;
    let main = main.replace("int area", "extern \"C\" int area");
    let area = format!("#ifdef __cplusplus\nextern \"C\"\n#endif\n{AREA}");
    assert_prints(&host, "cpp", &[("main.cpp", &main), ("lib/area.c", &area)], "12\n").await;
}

/// As `go run .` does.
#[tokio::test(flavor = "multi_thread")]
async fn sources_for_other_systems_are_left_out_in_go() {
    let host = Host::of("go").await;
    let main = "package main\n\nfunc main() { print1(); print2() }\n";
    let function = |name: &str, text: &str| {
        format!("package main\n\nimport \"fmt\"\n\nfunc {name}() {{ fmt.Println(\"{text}\") }}\n")
    };
    let ignored = format!("//go:build ignore\n\n{}", function("main", "tool"));
    let (linux, windows) = (function("print1", "linux"), function("print1", "windows"));
    let tagged = format!("//go:build linux && !cgo\n\n{}", function("print2", "yes"));
    let other = format!("//go:build cgo\n\n{}", function("print2", "no"));
    let files = [
        ("main.go", main),
        ("f_linux.go", &linux),
        ("f_windows.go", &windows),
        ("tagged.go", &tagged),
        ("other.go", &other),
        ("tool.go", &ignored),
        ("_draft.go", "no Go\n"),
    ];
    assert_prints(&host, "go", &files, "linux\nyes\n").await;
    let check = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
    let report = host.check("go", check.into()).await;
    assert!(report.diagnostics.is_empty() && report.message.is_none(), "{report:#?}");
    // What is started by its name runs, as with `go run tool.go`.
    assert_prints(&host, "go", &[("tool.go", &ignored)], "tool\n").await;
}
