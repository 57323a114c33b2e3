//! What scripts in SQL print.

use runbay_model::Fault;
use runbay_model::Verdict;

use crate::host::Host;
use crate::host::Input;
use crate::shapes::assert_prints;
use crate::shapes::run;

async fn assert_all_print(scripts: &[(&str, &str)]) {
    let host = Host::of("sql").await;
    for (script, expected) in scripts {
        assert_prints(&host, "sql", &[("main.sql", script)], expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn result_sets_stand_apart_have_headers_and_no_blanks_at_the_end() {
    assert_all_print(&[
        ("SELECT 1 AS a, NULL AS longer;\nSELECT 2 AS b;\n", "a  longer\n-  ------\n1  NULL\n\nb\n-\n2\n"),
        ("SELECT 1 AS a; SELECT 2 AS b;SELECT\n3 AS c", "a\n-\n1\n\nb\n-\n2\n\nc\n-\n3\n"),
        ("SELECT 1 AS a, 'b' AS name WHERE 0;\nSELECT 2 AS b;", "a  name\n-  ----\n\nb\n-\n2\n"),
        ("SELECT 1 AS a;\nCREATE TABLE t (n);\nINSERT INTO t VALUES (1);\nPRAGMA foreign_keys = on;", "a\n-\n1\n"),
        ("CREATE TABLE t (größe, n);\nDELETE FROM t RETURNING größe, n;", "größe  n\n-----  -\n"),
        ("SELECT 1\n    + 1 WHERE 0;\nSELECT 7 AS n;", "1\n-\n\nn\n-\n7\n"),
        ("SELECT 1 WHERE 0;\n.headers off\nSELECT 1 WHERE 0;\nSELECT 5; SELECT 6;", "1\n-\n\n5\n\n6\n"),
        ("", ""),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_commands_print_is_no_result() {
    assert_all_print(&[
        (".print before  'a  b'\nSELECT 1 AS a WHERE 0;\n.print\n.print after", "before a  b\na\n-\n\n\nafter\n"),
        ("CREATE TABLE t (n);\n.tables\nSELECT n FROM t;\n.print x", "t\nn\n-\n\nx\n"),
        ("SELECT '\n.mode csv\n.print x' AS n;\nSELECT 2 AS m;", "n\n---------\n\n.mode csv\n.print x\n\nm\n-\n2\n"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_mode_prints_as_sqlite_does() {
    assert_all_print(&[
        (".mode csv\nSELECT 1 AS a, NULL AS b;\nSELECT 'x ' AS c;", "1,\r\n\"x \"\r\n"),
        (".headers on\n.mode list\nSELECT 1 AS a, 2 AS b;\nSELECT 3 AS c;", "a|b\n1|2\nc\n3\n"),
        (".mode box\nSELECT 1 AS a;", "┌───┐\n│ a │\n├───┤\n│ 1 │\n└───┘\n"),
        (".mode json\nSELECT 1 AS a;\nSELECT 2 AS b WHERE 0;", "[{\"a\":1}]\n"),
        (".nullvalue none\n.separator ;\n.mode list\nSELECT NULL, 1;", "none|1\n"),
        (
            "SELECT 1 AS a;\n.mode list\nSELECT 2, 3;\nSELECT 4;\n.mode column\nSELECT NULL AS b;",
            "a\n-\n1\n\n2|3\n4\nb\n----\nNULL\n",
        ),
        (".echo on\nSELECT 1 AS a;\n.print x", "SELECT 1 AS a;\na\n-\n1\n.print x\nx\n"),
        (".output other.txt\nSELECT 1 AS a;\n.output stdout\nSELECT 2 AS b;", "b\n-\n2\n"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_read_others_and_their_modes_hold_after_them() {
    let host = Host::of("sql").await;
    let main = "SELECT 1 AS a;\n.read lib/two.sql\nSELECT 3, 4;\n.read main.sql";
    let files = [("main.sql", main), ("lib/two.sql", "SELECT 2 AS b WHERE 0;\n.mode list\n.headers off\n")];
    let (verdict, outcome) = run(&host, "sql", &files).await;
    let printed = String::from_utf8_lossy(&outcome.output.stdout);
    assert!(printed.starts_with("a\n-\n1\n\nb\n-\n\n3|4\n1\n3|4\n"), "{outcome:#?}");
    let told = String::from_utf8_lossy(&outcome.output.stderr);
    assert!(verdict == Verdict::Failed(Fault::RuntimeError) && told.contains("nesting"), "{outcome:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_name_the_line_of_the_script() {
    let host = Host::of("sql").await;
    let script = ".print one\n.mode list\n\n.headers on\nSELECT 1 AS a;\n-- comment\nSELECT\n  none;\nSELECT 2;";
    let (verdict, outcome) = run(&host, "sql", &[("main.sql", script)]).await;
    assert_eq!((verdict, outcome.facts.exit_code), (Verdict::Failed(Fault::RuntimeError), Some(1)), "{outcome:#?}");
    assert_eq!(String::from_utf8_lossy(&outcome.output.stdout), "one\na\n1\n");
    assert!(String::from_utf8_lossy(&outcome.output.stderr).contains("near line 7: no such column"), "{outcome:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_name_does_for_the_script() {
    let host = Host::of("sql").await;
    for name in ["a b.sql", "|echo ran.sql", "it's.sql", "say \"hi\".sql", "folder/new main.sql"] {
        assert_prints(&host, "sql", &[(name, ".mode list\nSELECT 'read';\n")], "read\n").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn input_is_for_the_script() {
    let host = Host::of("sql").await;
    let script = b"CREATE TABLE people (name, age INTEGER);\n.mode csv\n.import /dev/stdin people\n.mode column\n\
        SELECT * FROM people WHERE age > 40;"
        .to_vec();
    let files = vec![("main.sql".to_owned(), script)];
    let input = Input { files, stdin: b"Ada,36\nGrace,85\n".to_vec(), ..Input::default() };
    let (_, outcome) = host.run("sql", input).await;
    assert_eq!(String::from_utf8_lossy(&outcome.output.stdout), "name   age\n-----  ---\nGrace  85\n", "{outcome:#?}");
}
