//! Java: which class is run, and what is said where none can be.

use runbay_model::Fault;
use runbay_model::Verdict;

use crate::host::Host;
use crate::shapes::assert_prints;
use crate::shapes::refused;
use crate::shapes::run;

const PRINTS: &str = "{ System.out.println(\"hi\"); }";

#[tokio::test(flavor = "multi_thread")]
async fn java_takes_any_class_in_any_file() {
    let host = Host::of("java").await;
    let main = "public static void main(String[] args) { System.out.println(\"hi\"); }";
    for (name, code) in [
        ("Main.java", format!("public class Greeter {{ {main} }}")),
        ("Main.java", format!("class Greeter {{ {main} }}")),
        ("Main.java", format!("package a.b;\npublic final class Greeter<T extends Comparable<T>> {{ {main} }}")),
        ("Main.java", format!("record Point(int x, int y) {{}}\ninterface Shape {{}}\nclass App {{ {main} }}")),
        (
            "Main.java",
            format!("/* public class Old {{ */ // public class Older\nclass App {{ String s = \"}}\"; {main} }}"),
        ),
        ("Main.java", format!("class A {{ class Inner {{}} char c = '\"'; }}\npublic enum Größe {{ X; {main} }}")),
        ("my a=b program.java", format!("public class Greeter {{ {main} }}")),
        ("src/app/Main.java", format!("package app;\npublic class Other {{ {main} }}")),
    ] {
        assert_prints(&host, "java", &[(name, &code)], "hi\n").await;
    }
    let helper =
        ("lib/Helper.java", "package lib; public class Helper { public static String hi() { return \"hi\"; } }");
    let app = "import lib.Helper;\n\
        public class App { public static void main(String[] args) { System.out.println(Helper.hi()); } }";
    assert_prints(&host, "java", &[("Main.java", "class Data {}"), ("App.java", app), helper], "hi\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn java_names_the_file_that_was_sent() {
    let host = Host::of("java").await;
    let said = refused(&host, "java", &[("Main.java", "public class Greeter {\n    int x = \"\";\n}\n")]).await;
    assert!(said.starts_with("Main.java:2: error: incompatible types"), "{said}");
}

/// A method that is only called main is no reason to run its class.
#[tokio::test(flavor = "multi_thread")]
async fn java_runs_the_class_that_java_can_start() {
    let host = Host::of("java").await;
    let main = format!("public static void main(String[] args) {PRINTS}");
    for other in [
        "class Engine { void main() { } }",
        "class Engine { public void main(String[] args) { } }",
        "class Engine { static void main(String[] args) { } }",
        "class Engine { private static void main(String[] args) { } }",
        "class Table { public static void main(int rows) { } }",
        "class Table { public static void main(String row) { } public static int main(String[] rows) { return 1; } }",
        "class Table { public static void main(String[] rows, int count) { } }",
        "interface Shape { void main(String[] args); default void main() { } }",
        "abstract class Shape { public abstract void main(String... args); }",
        "enum Color { RED { void main(String[] args) { } }; void main(String[] args) { } }",
        "class Task { Runnable task = new Runnable() { public void run() { } public void main(String[] a) { } }; }",
        "class Outer { static class Inner { public static void main(String[] args) { } } }",
        "@interface Mark { String value() default \"public static void main(String[] a) {\"; String[] all() default {}; }",
        "class Text { String text = \"\"\"\n    \\\"\"\" } public static void main(String[] args) {\n    \"\"\"; }",
        "class Code { void run() { /* } public static void main(String[] args) { */ } }",
    ] {
        assert_prints(&host, "java", &[("Main.java", &format!("{other}\nclass Game {{ {main} }}"))], "hi\n").await;
    }
    let game = format!("class Game {{ {main} }}");
    let files = [("Main.java", "class Engine { void main() { } }"), ("Game.java", &*game)];
    assert_prints(&host, "java", &files, "hi\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn java_knows_main_however_it_is_written() {
    let host = Host::of("java").await;
    for code in [
        "class A { static public void main(String... args) BODY }",
        "class A { public static final synchronized void main(final String args[]) throws Exception BODY }",
        "class A { @SuppressWarnings({\"unchecked\", \"raw\"}) public static void main(java.lang.String[] args) BODY }",
        "class A { public static <T extends Comparable<T>> void main(@Deprecated String[] args) BODY }",
        "class A { public\n  static /* here */ void // it is\n  main\n(\nString [ ] args\n)\nBODY }",
        "interface A { static void main(String[] args) BODY }",
        "enum A { ONE, TWO; public static void main(String[] args) BODY }",
        "record A(int x, int y) { public static void main(String[] args) BODY }",
        "class A { static class B { public static void main(String[] args) BODY } }",
    ] {
        let code = format!("class First {{ void main(int count) {{ }} }}\n{}", code.replace("BODY", PRINTS));
        assert_prints(&host, "java", &[("Main.java", &code)], "hi\n").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn java_says_honestly_what_cannot_be_run() {
    let host = Host::of("java").await;
    let long = "L".repeat(252);
    let class = |modifier: &str| format!("{modifier}class {long} {{ public static void main(String[] a) {PRINTS} }}");
    for (name, code, words) in [
        (
            "Nothing.java",
            "// Only a remark.\n".to_owned(),
            "Nothing.java: error: there is no class in the program; write",
        ),
        ("Main.java", String::new(), "Main.java: error: there is no class in the program; write one with a method"),
        ("package-info.java", "package a;\n".to_owned(), "package-info.java: error: there is no class"),
        ("my program", "import java.util.*;\n".to_owned(), "my program: error: there is no class in the program"),
        ("my program", "hello\n".to_owned(), "my program:1: error: "),
        ("Main.java", class("public "), "is too long; give it a shorter one"),
        ("Main.java", class(""), "File name too long"),
    ] {
        let said = refused(&host, "java", &[(name, &code)]).await;
        assert!(said.contains(words), "{said}");
        for ours in ["compile.sh", "runbay", "/opt", "outline", "arguments"] {
            assert!(!said.contains(ours), "{said}");
        }
    }
    let (verdict, outcome) = run(&host, "java", &[("Main.java", "class Data { void read() { } }\n")]).await;
    assert_eq!(verdict, Verdict::Failed(Fault::RuntimeError));
    let said = String::from_utf8_lossy(&outcome.output.stderr);
    assert!(said.contains("Main method not found in class Data"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn java_takes_a_first_file_of_any_name() {
    let host = Host::of("java").await;
    let code = format!("class Greeter {{ public static void main(String[] args) {PRINTS} }}");
    for name in ["my program", "code.txt", "src/app", "Größe.java"] {
        assert_prints(&host, "java", &[(name, &code)], "hi\n").await;
    }
}

/// One array that is larger than the heap, though not larger than the memory of the program.
#[tokio::test(flavor = "multi_thread")]
async fn java_names_the_heap_when_that_is_full() {
    let host = Host::of("java").await;
    let array = "class A { public static void main(String[] args) { System.out.println(new byte[90 << 20].length); } }";
    let (verdict, outcome) = run(&host, "java", &[("Main.java", array)]).await;
    assert_eq!(verdict, Verdict::Failed(Fault::MemoryLimit), "{outcome:#?}");
    let message = outcome.facts.message.unwrap_or_default();
    assert!(message.starts_with("The program ran out of memory; the heap of Java has "), "{message}");
}
