//! The libraries that docs/languages.md promises.

use crate::host::Host;
use crate::shapes::assert_prints;
use crate::shapes::run;

#[tokio::test(flavor = "multi_thread")]
async fn php_has_the_extensions_of_its_official_image() {
    let code = r#"<?php
echo mb_strtoupper("žluťoučký"), " ", mb_strlen("kůň"), "\n";
echo bcadd("99999999999999999999", "1"), "\n";
echo gmp_strval(gmp_pow(2, 70)), "\n";
echo (new NumberFormatter("de_DE", NumberFormatter::DECIMAL))->format(1234567.5), "\n";
echo simplexml_load_string("<a><b>text</b></a>")->b, "\n";
$document = new DOMDocument();
$document->loadXML("<a><b/></a>");
echo $document->documentElement->firstChild->nodeName, "\n";
$database = new PDO("sqlite::memory:");
echo Normalizer::normalize("e\u{301}"), "\n";
echo $database->query("select 6 * 7")->fetchColumn(), "\n";
"#;
    let host = Host::of("php").await;
    let printed = "ŽLUŤOUČKÝ 3\n100000000000000000000\n1180591620717411303424\n1.234.567,5\ntext\nb\né\n42\n";
    assert_prints(&host, "php", &[("main.php", code)], printed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_language_has_the_library_that_comes_with_it() {
    for (language, file, code, printed) in [
        (
            "python",
            "main.py",
            "import sqlite3, decimal, ssl, zoneinfo, curses\nprint(zoneinfo.ZoneInfo('UTC'))",
            "UTC\n",
        ),
        (
            "javascript",
            "main.js",
            "console.log(require('zlib').gzipSync('a').length > 0, typeof fetch)",
            "true function\n",
        ),
        (
            "perl",
            "main.pl",
            "use List::Util qw(sum); use JSON::PP; use POSIX; use Time::HiRes; print sum(1, 2), qq(\\n);",
            "3\n",
        ),
        ("lua", "main.lua", "print(utf8.len('kůň'), string.pack('<i2', 1):byte(1))", "3\t1\n"),
    ] {
        let host = Host::of(language).await;
        assert_prints(&host, language, &[(file, code)], printed).await;
    }
    let sql = "select json('[1, 2]');\ncreate virtual table t using fts5(a);\ninsert into t values ('one two');\n\
        select a from t where t match 'two';\nselect round(sqrt(2), 3);\n";
    let host = Host::of("sql").await;
    let (verdict, outcome) = run(&host, "sql", &[("main.sql", sql)]).await;
    let printed = String::from_utf8_lossy(&outcome.output.stdout).into_owned();
    for expected in ["[1,2]", "one two", "1.414"] {
        assert!(printed.contains(expected), "{verdict:?} {printed}");
    }
}
