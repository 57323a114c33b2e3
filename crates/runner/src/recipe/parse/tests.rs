use runbay_sandbox::ProgramEnd;

use super::*;

const RECIPE: &str = r#"id = "lisp"
name = "Lisp"
entry = "main.lisp"
sources = ["lisp"]
version = ["lisp", "--version"]
template = '''
(print 1)
'''
[compile]
argv = ["lispc", "-o", "{artefact}", "{sources}"]
artefact = "program"
[run]
argv = ["{artefact}", "{args}"]
[check]
argv = ["lint", "{sources}"]
pattern = '(?P<message>.*)'
[environment]
LISP_HOME = "/usr/lib/lisp"
[memory]
heap_percent = 50
[[out_of_memory]]
signal = "SIGABRT"
stderr = "heap"
[limits]
memory_bytes = 200000000
"#;

fn parse(text: &str) -> Result<Recipe, RecipeError> {
    Recipe::parse("lisp.toml", text, |_| Ok(None))
}

/// Returns the error for a recipe of which one part was replaced.
fn refusal(from: &str, to: &str) -> String {
    let changed = RECIPE.replacen(from, to, 1);
    assert_ne!(changed, RECIPE, "{from}");
    parse(&changed).unwrap_err().to_string()
}

#[test]
fn a_whole_recipe_is_understood() {
    let recipe = parse(RECIPE).unwrap();
    assert_eq!(
        (recipe.id.as_str(), recipe.entry.as_str(), recipe.template.as_str()),
        ("lisp", "main.lisp", "(print 1)\n")
    );
    assert_eq!(recipe.limits, LimitOverrides { memory_bytes: Some(200_000_000), ..LimitOverrides::default() });
    assert_eq!(recipe.run.program, RunProgram::Artefact);
    assert!(recipe.out_of_memory[0].fits(ProgramEnd::Signalled(6), b"heap is full"));
    assert!(recipe.has_extension("lisp") && !recipe.has_extension("l"));
}

#[test]
fn what_is_no_recipe_is_named_with_its_line() {
    assert!(refusal("entry =", "entri =").starts_with("lisp.toml:3: unknown field `entri`, expected one of"));
    assert_eq!(refusal("name = \"Lisp\"\n", ""), "lisp.toml:1: missing field `name`");
    assert_eq!(refusal("\"Lisp\"", "5"), "lisp.toml:2: invalid type: integer `5`, expected a string");
    assert!(refusal("[run]", "[run").starts_with("lisp.toml:12: "));
    assert!(refusal("heap_percent = 50", "heap_percent = -1").starts_with("lisp.toml:20: invalid value"));
}

#[test]
fn programs_come_first() {
    let problem = "must start with a program";
    assert_eq!(refusal("[\"lispc\",", "[\"{entry}\","), format!("lisp.toml:10: compile.argv {problem}"));
    assert_eq!(refusal("[\"lispc\",", "[\"bin/lispc\","), format!("lisp.toml:10: compile.argv {problem}"));
    assert_eq!(refusal("[\"{artefact}\", \"{args}\"]", "[]"), format!("lisp.toml:13: run.argv {problem}"));
    assert_eq!(refusal("[\"lint\",", "[\n\"\","), format!("lisp.toml:16: check.argv {problem}"));
    assert_eq!(
        refusal("[compile]", "programs = [\"ld\", \"a/b\"]\n[compile]"),
        "lisp.toml:9: programs must be names or absolute paths of programs"
    );
    assert_eq!(refusal("\"lisp\", \"--version\"", ""), format!("lisp.toml:5: version {problem}"));
}

#[test]
fn an_interpreted_language_has_no_artefact() {
    let compile = "[compile]\nargv = [\"lispc\", \"-o\", \"{artefact}\", \"{sources}\"]\nartefact = \"program\"\n";
    assert_eq!(refusal(compile, ""), "lisp.toml:10: run.argv must start with a program");
}

#[test]
fn placeholders_have_their_stages() {
    assert_eq!(refusal("\"-o\"", "\"{args}\""), "lisp.toml:10: compile.argv has {args}, which means nothing here");
    assert_eq!(refusal("\"{args}\"", "\"-m{heap}\""), "lisp.toml:13: run.argv has the unknown placeholder {heap}");
    assert_eq!(
        refusal("/usr/lib/lisp", "{artefact}"),
        "lisp.toml:18: environment.LISP_HOME has {artefact}, which means nothing here"
    );
    assert_eq!(
        refusal("[memory]\nheap_percent = 50", "B = \"{heap_mib}\""),
        "lisp.toml:19: environment.B has {heap_mib}, which means nothing here"
    );
}

#[test]
fn names_are_what_clients_and_hosts_can_use() {
    assert!(refusal("\"lisp\"\nname", "\"Lisp\"\nname").starts_with("lisp.toml:1: \"Lisp\" must be at most 32 lower"));
    assert!(refusal("sources", "aliases = [\"a\", \"b c\"]\nsources").starts_with("lisp.toml:4: \"b c\" must be"));
    assert_eq!(refusal("\"main.lisp\"", "\"../x\""), "lisp.toml:3: entry must be a plain file name");
    assert_eq!(refusal("\"program\"", "\"a/b\""), "lisp.toml:11: compile.artefact must be a plain file name");
    assert_eq!(
        refusal("[\"lisp\"]", "[\"lisp\",\n\".l\"]"),
        "lisp.toml:5: sources must have file name endings without the dot, such as \"c\""
    );
    assert_eq!(
        refusal("sources", "mounts = [\"opt\"]\nsources"),
        "lisp.toml:4: mounts must be absolute paths, not \"opt\""
    );
    assert_eq!(refusal("LISP_HOME", "\"A=B\""), "lisp.toml:18: environment has \"A=B\", which is no name");
}

#[test]
fn mounts_neither_hide_nor_are_hidden() {
    let mounting = |path: &str| refusal("sources", &format!("mounts = [\"{path}\"]\nsources"));
    for (path, own) in [
        ("/tmp/data", "/tmp"),
        ("/tmp", "/tmp"),
        ("/box/lib", "/box"),
        ("/dev/shm/model", "/dev"),
        ("//proc/./x", "/proc"),
        ("/opt/runbay/x", "/opt/runbay"),
    ] {
        let said = mounting(path);
        assert!(said.starts_with("lisp.toml:4: mounts has ") && said.contains(&format!("have a {own} of")), "{said}");
    }
    for path in ["/opt", "/"] {
        let said = mounting(path);
        assert!(said.ends_with("of bays; name what is needed in it one by one"), "{said}");
    }
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let link = tempfile::tempdir_in("/var/tmp").unwrap();
    std::os::unix::fs::symlink(folder.path(), link.path().join("link")).unwrap();
    let said = mounting(&link.path().join("link/data").display().to_string());
    assert!(said.contains("bays have a /tmp of their own"), "{said}");
    let fine = RECIPE.replacen("sources", "mounts = [\"/opt/lisp\", \"/tmpfiles\", \"/etc/lisp\"]\nsources", 1);
    assert_eq!(parse(&fine).unwrap().mounts.len(), 3);
}

#[test]
fn support_files_are_in_their_folder() {
    assert_eq!(
        refusal("sources", "support = [\"x.l\"]\nsources"),
        "lisp.toml:4: support names \"x.l\", which is not in the folder support"
    );
    for name in ["/etc/passwd", "../x", ""] {
        let problem = refusal("sources", &format!("support = [{name:?}]\nsources"));
        assert!(problem.starts_with("lisp.toml:4: support must have names below the folder support"), "{problem}");
    }
}

#[test]
fn numbers_are_in_their_ranges() {
    assert_eq!(
        refusal("200000000", "1000"),
        "lisp.toml:25: limits.memory_bytes must be an integer from 16777216 to 1073741824"
    );
    assert!(refusal("memory_bytes", "speed").starts_with("lisp.toml:25: limits.speed is no limit; there are"));
    assert_eq!(refusal("= 50", "= 101"), "lisp.toml:20: memory.heap_percent must be an integer from 1 to 100");
}

#[test]
fn running_out_of_memory_has_a_code_or_a_signal() {
    let problem = "out_of_memory must have either an exit_code from 1 to 255 or a signal";
    for wrong in ["", "exit_code = 0", "exit_code = 300", "exit_code = 1\nsignal = \"SIGABRT\""] {
        let said = refusal("signal = \"SIGABRT\"", wrong);
        assert!(said.ends_with(problem), "{said}");
    }
    assert_eq!(refusal("SIGABRT", "SIGMEM"), "lisp.toml:22: out_of_memory.signal names \"SIGMEM\", which is no signal");
    assert_eq!(refusal("\"heap\"", "\"\""), "lisp.toml:23: out_of_memory.stderr must not be empty");
    assert_eq!(
        refusal("\"heap\"", "'('"),
        "lisp.toml:23: out_of_memory.stderr is no regular expression: unclosed group"
    );
}

#[test]
fn a_hint_says_when_it_helps() {
    let with = |table: &str| parse(&format!("{RECIPE}[[hint]]\n{table}"));
    let recipe = with("signal = 'SIGSEGV'\nmessage = 'a pointer that is wild'").unwrap();
    assert_eq!(recipe.hint(ProgramEnd::Signalled(11), "", b""), Some("a pointer that is wild"));
    assert_eq!(recipe.hint(ProgramEnd::Exited(1), "", b""), None);
    for (table, problem) in [
        ("message = 'x'", "hint must have a signal, a source or a stderr"),
        ("signal = 'SIGMEM'\nmessage = 'x'", "hint.signal names \"SIGMEM\", which is no signal"),
        ("source = '('\nmessage = 'x'", "hint.source is no regular expression: unclosed group"),
        ("stderr = '('\nmessage = 'x'", "hint.stderr is no regular expression: unclosed group"),
        ("source = 'a'\nmessage = ' '", "hint.message must be a part of a sentence, without its full stop"),
        ("source = 'a'\nmessage = 'It is so.'", "hint.message must be a part of a sentence, without its full stop"),
    ] {
        let said = with(table).unwrap_err().to_string();
        assert!(said.ends_with(problem), "{said}");
    }
}

#[test]
fn a_checkers_pattern_is_a_regular_expression() {
    assert_eq!(
        refusal("'(?P<message>.*)'", "'('"),
        "lisp.toml:16: check.pattern is no regular expression: unclosed group"
    );
    let warnings = "'(?P<message>.*)'\nwarnings = '('";
    let said = refusal("'(?P<message>.*)'", warnings);
    assert_eq!(said, "lisp.toml:17: check.warnings is no regular expression: unclosed group");
    let version = "'(?P<message>.*)'\nversion = []";
    assert_eq!(refusal("'(?P<message>.*)'", version), "lisp.toml:17: check.version must start with a program");
}
