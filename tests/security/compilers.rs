//! Code that attacks through the compiler or checker that reads it.
//!
//! Through the real recipes and the real runner: what is written here is only sent, never run by the tests' own tools.

use runbay_model::Fault;
use runbay_model::Sources;
use runbay_model::Verdict;

use crate::compiler_host::CompilerHost;
use crate::compiler_host::assert_nothing_of_the_host;

#[tokio::test]
async fn c_reads_no_file_of_the_host() {
    let Some(host) = CompilerHost::open("c").await else { return };
    for path in ["/etc/shadow", "/root/.profile", "/proc/1/environ", "/sys/kernel/uevent_seqnum", "/var/log/dpkg.log"] {
        let include = format!("#include \"{path}\"\nint main(void) {{ return 0; }}\n");
        let output = host.refused(&[("main.c", &include)]).await;
        assert!(output.contains("No such file") || output.contains("ermission denied"), "{output}");
        let assemble = format!("asm(\".incbin \\\"{path}\\\"\");\nint main(void) {{ return 0; }}\n");
        host.refused(&[("main.c", &assemble)]).await;
    }
    host.close().await;
}

#[tokio::test]
async fn c_without_end_ends() {
    let Some(host) = CompilerHost::open("c").await else { return };
    let doubling: String = (1..40).map(|n| format!("#define X{n} X{0} X{0}\n", n - 1)).collect();
    let bomb = format!("#define X0 int\n{doubling}X39 main(void) {{ return 0; }}\n");
    for source in [
        "#include \"/dev/zero\"\n",
        "#include \"/dev/urandom\"\n",
        "#include \"/dev/stdin\"\n",
        "#include \"/proc/self/fd/0\"\n",
        "#include __FILE__\n",
        "asm(\".incbin \\\"/dev/zero\\\"\");\nint main(void) { }\n",
        "asm(\".fill 4294967295, 8, 1\");\nint main(void) { }\n",
        "asm(\".rept 4294967295\\n.byte 1\\n.endr\");\nint main(void) { }\n",
        "char huge[1L << 33] = {1};\nint main(void) { return huge[1]; }\n",
        &bomb,
    ] {
        host.refused(&[("main.c", source)]).await;
    }
    host.close().await;
}

#[tokio::test]
async fn names_that_compilers_take_for_options_are_none() {
    for name in ["@options.c", "-wrapper,sh.c", "-o", "--help.c", "-fplugin=x.c"] {
        let files = vec![("main.c".to_owned(), Vec::new()), (name.to_owned(), Vec::new())];
        assert!(Sources::of_files(files).is_err(), "{name}");
    }
    let Some(host) = CompilerHost::open("c").await else { return };
    let strange = [
        ("main.c", "#include <stdio.h>\nint other(void);\nint main(void) { printf(\"%d\\n\", other()); }\n"),
        ("a b;$(touch pwned)`id`.c", "int other(void) { return 7; }\n"),
        ("specs", "*link:\n-o /box/pwned\n"),
        ("options", "-fplugin=./plugin.so"),
        ("gcc", "#!/bin/sh\necho pwned\n"),
    ];
    host.prints(&strange, "7\n").await;
    host.close().await;
}

#[tokio::test]
async fn templates_without_end_end() {
    let Some(host) = CompilerHost::open("cpp").await else { return };
    for source in [
        "template <int N> struct A { A<N + 1> a, b; A<N + 2> c; };\nA<0> a;\nint main() { }\n",
        "template <int N, int M> struct F { enum { v = F<N - 1, M>::v + F<N - 1, M + 1>::v }; };\n\
         template <int M> struct F<0, M> { enum { v = M }; };\nint x[F<800, 1>::v];\nint main() { }\n",
        "constexpr int f() { int n = 0; while (true) ++n; return n; }\nconstexpr int x = f();\nint main() { }\n",
        "#include \"/etc/shadow\"\nint main() { }\n",
    ] {
        host.refused(&[("main.cpp", source)]).await;
    }
    host.close().await;
}

/// Two programs with the same entry and other headers are two programs, whatever the cache knows of them.
#[tokio::test]
async fn the_cache_tells_programs_apart() {
    let Some(host) = CompilerHost::open("c").await else { return };
    let main = "#include <stdio.h>\n#include \"word.h\"\nint main(void) { puts(WORD); }\n";
    for (name, header, expected) in [
        ("word.h", "#define WORD \"one\"", "one\n"),
        ("word.h", "#define WORD \"two\"", "two\n"),
        ("word.h", "#define WORD \"one\"", "one\n"),
    ] {
        host.prints(&[("main.c", main), (name, header)], expected).await;
    }
    host.refused(&[("main.c", main), ("Word.h", "#define WORD \"one\"")]).await;
    host.close().await;
}

#[tokio::test]
async fn java_runs_no_code_while_it_compiles() {
    let Some(host) = CompilerHost::open("java").await else { return };
    let main = "public class Main { public static void main(String[] a) { System.out.println(\"ran\"); } }\n";
    let processor = "
import javax.annotation.processing.*;
import java.util.Set;
import javax.lang.model.element.TypeElement;
@SupportedAnnotationTypes(\"*\")
public class Evil extends AbstractProcessor {
    static { System.err.println(\"processor ran\"); }
    public boolean process(Set<? extends TypeElement> types, RoundEnvironment round) {
        System.err.println(\"processor ran\");
        return false;
    }
}
";
    let services = "META-INF/services/javax.annotation.processing.Processor";
    let files = [("Main.java", main), ("Evil.java", processor), (services, "Evil\n")];
    let (verdict, outcome) = host.run(&files).await;
    let output = String::from_utf8_lossy(outcome.output.compile_output.as_deref().unwrap_or_default());
    assert_eq!((verdict, outcome.output.stdout.as_slice()), (Verdict::Completed, &b"ran\n"[..]), "{output}");
    assert!(!output.contains("processor ran"), "{output}");

    // javac looks for plugins, too, and ends when it does not find one that is named.
    let services = "META-INF/services/com.sun.source.util.Plugin";
    host.prints(&[("Main.java", main), (services, "Evil\n")], "ran\n").await;

    let nested = format!("class Main {{ String s = {}\"x\"; }}\n", "\"x\" + ".repeat(8_000));
    let (verdict, outcome) = host.run(&[("Main.java", &nested)]).await;
    assert!(verdict != Verdict::Completed && outcome.facts.message.is_some(), "too deep for javac, or nothing to run");
    host.close().await;
}

#[tokio::test]
async fn go_embeds_no_file_of_the_host_and_calls_no_other_compiler() {
    let Some(host) = CompilerHost::open("go").await else { return };
    let embed = |path: &str| {
        format!("package main\nimport _ \"embed\"\n//go:embed {path}\nvar s string\nfunc main() {{ print(s) }}\n")
    };
    for path in ["/etc/passwd", "../../etc/passwd", "../usr/bin/env"] {
        host.refused(&[("main.go", &embed(path)), ("go.mod", "module x\ngo 1.18\n")]).await;
    }
    let c =
        "package main\n// #cgo LDFLAGS: -Wl,-o/box/pwned\n// #include \"/etc/passwd\"\nimport \"C\"\nfunc main() { }\n";
    host.refused(&[("main.go", c)]).await;
    let generate = "package main\n//go:generate touch /box/pwned\nimport (\"fmt\"; \"os\")\n\
                    func main() { _, err := os.Stat(\"/box/pwned\"); fmt.Println(err != nil) }\n";
    host.prints(&[("main.go", generate)], "true\n").await;
    let proxy = "module x\ngo 1.18\nrequire example.com/y v1.0.0\n";
    let import = "package main\nimport _ \"example.com/y\"\nfunc main() { }\n";
    host.refused(&[("main.go", import), ("go.mod", proxy)]).await;
    host.close().await;
}

#[tokio::test]
async fn go_takes_no_settings_from_the_program() {
    let Some(host) = CompilerHost::open("go").await else { return };
    let main = "package main\nimport \"fmt\"\nfunc main() { fmt.Println(\"ran\") }\n";
    let settings = "GOFLAGS=-toolexec=/box/tool\nGOROOT=/box\n";
    let files = [("main.go", main), (".config/go/env", settings), ("tool", "#!/bin/sh\necho tool ran >&2\nexit 1\n")];
    host.prints(&files, "ran\n").await;
    host.close().await;
}

#[tokio::test]
async fn rust_includes_no_file_of_the_host() {
    let Some(host) = CompilerHost::open("rust").await else { return };
    for source in [
        "fn main() { print!(\"{}\", include_str!(\"/etc/shadow\")); }\n",
        "#[path = \"/root/x.rs\"]\nmod x;\nfn main() { }\n",
        "static X: &[u8] = include_bytes!(\"/dev/zero\");\nfn main() { print!(\"{}\", X.len()); }\n",
        "macro_rules! m { ($($t:tt)*) => { m!($($t)* $($t)* x) } }\nm!(x);\nfn main() { }\n",
        "const X: u64 = { let mut n = 0_u64; while n < 1 { n *= 2; } n };\nfn main() { print!(\"{X}\"); }\n",
    ] {
        host.refused(&[("main.rs", source)]).await;
    }
    let variables =
        "fn main() { println!(\"{:?} {:?}\", option_env!(\"CARGO_MANIFEST_DIR\"), option_env!(\"RUNBAY_LOG\")); }\n";
    host.prints(&[("main.rs", variables)], "None None\n").await;
    host.close().await;
}

#[tokio::test]
async fn typescript_imports_no_file_of_the_host_and_loads_no_plugin() {
    let Some(host) = CompilerHost::open("typescript").await else { return };
    for path in ["/etc/shadow", "/root/.npmrc", "/proc/1/environ", "../../../../etc/shadow"] {
        host.refused(&[("main.ts", &format!("import text from {path:?};\nconsole.log(text);\n"))]).await;
    }
    let files = [
        ("main.ts", "console.log('ran');\n"),
        (
            "tsconfig.json",
            "{\"extends\": \"/etc/passwd\", \"compilerOptions\": {\"plugins\": [{\"name\": \"./evil\"}]}}",
        ),
        ("evil.js", "throw new Error('plugin ran');\n"),
        ("esbuild.config.js", "throw new Error('plugin ran');\n"),
        ("package.json", "{\"scripts\": {\"preinstall\": \"touch /box/pwned\"}}"),
    ];
    let (verdict, outcome) = host.run(&files).await;
    let output = String::from_utf8_lossy(outcome.output.compile_output.as_deref().unwrap_or_default());
    assert!(!output.contains("plugin ran"), "{output}");
    assert_nothing_of_the_host(&output);
    // What extends nothing sensible may be refused, or taken with a warning.
    assert!(matches!(verdict, Verdict::Completed | Verdict::Failed(Fault::CompileError)), "{verdict:?} {output}");
    host.close().await;
}

#[tokio::test]
async fn checkers_that_run_code_run_it_in_a_bay() {
    let Some(host) = CompilerHost::open("perl").await else { return };
    let look = "BEGIN { die -e '/etc/shadow' || -e '/root' || $< != 1000 || -w '/usr' ? 'outside' : 'inside' }\n";
    let report = host.check(look).await;
    assert!(report.diagnostics.iter().any(|found| found.message.contains("inside")), "{report:?}");
    let endless = host.check("BEGIN { fork; fork; while (1) { print STDERR 'x' x 65536; } }\n").await;
    assert!(endless.message.is_some() || !endless.diagnostics.is_empty(), "{endless:?}");
    host.close().await;
}
