//! What a program finds around it: its own files, and nothing of ours.

use crate::host::Host;
use crate::shapes::assert_prints;

/// Programs that print the names in their directory, in any order, and then those in /tmp.
const PROGRAMS: &[(&str, &str, &str)] = &[
    (
        "c",
        "main.c",
        "#include <dirent.h>\n#include <stdio.h>\n#include <string.h>\n\
         void list(const char *path) {\n    DIR *directory = opendir(path);\n    struct dirent *entry;\n\
         while ((entry = readdir(directory)))\n\
         if (strcmp(entry->d_name, \".\") && strcmp(entry->d_name, \"..\")) puts(entry->d_name);\n}\n\
         int main(void) { list(\".\"); list(\"/tmp\"); }\n",
    ),
    (
        "cpp",
        "main.cpp",
        "#include <filesystem>\n#include <iostream>\n\
         int main() {\n    for (auto path : {\".\", \"/tmp\"})\n\
         for (auto& entry : std::filesystem::recursive_directory_iterator(path))\n\
         std::cout << entry.path().filename().string() << '\\n';\n}\n",
    ),
    (
        "go",
        "main.go",
        "package main\n\nimport (\"fmt\"; \"os\")\n\nfunc main() {\n\tfor _, path := range []string{\".\", \"/tmp\"} {\n\
         \t\tentries, _ := os.ReadDir(path)\n\t\tfor _, entry := range entries { fmt.Println(entry.Name()) }\n\t}\n}\n",
    ),
    (
        "rust",
        "main.rs",
        "fn main() {\n    for path in [\".\", \"/tmp\"] {\n        for entry in std::fs::read_dir(path).unwrap() {\n\
         println!(\"{}\", entry.unwrap().file_name().to_string_lossy());\n        }\n    }\n}\n",
    ),
    (
        "java",
        "Main.java",
        "import java.io.File;\n\npublic class Main {\n    public static void main(String[] args) {\n\
         for (String path : new String[] {\".\", \"/tmp\"})\n\
         for (String name : new File(path).list()) System.out.println(name);\n    }\n}\n",
    ),
    (
        "typescript",
        "main.ts",
        "import { readdirSync } from \"fs\";\n\
         for (const path of [\".\", \"/tmp\"]) for (const name of readdirSync(path)) console.log(name);\n",
    ),
    ("python", "main.py", "import os\nfor path in ['.', '/tmp']:\n    for name in os.listdir(path): print(name)\n"),
    (
        "javascript",
        "main.js",
        "for (const path of ['.', '/tmp']) for (const name of require('fs').readdirSync(path)) console.log(name);\n",
    ),
    ("ruby", "main.rb", "['.', '/tmp'].each { |path| puts Dir.children(path) }\n"),
    (
        "php",
        "main.php",
        "<?php foreach (['.', '/tmp'] as $path) foreach (array_diff(scandir($path), ['.', '..']) as $name) echo \"$name\\n\";\n",
    ),
    (
        "perl",
        "main.pl",
        "for (qw(. /tmp)) { opendir my $d, $_; print map { \"$_\\n\" } grep { !/^\\.+$/ } readdir $d; }\n",
    ),
    ("lua", "main.lua", "for name in io.popen('ls -A . /tmp | grep -v :$ | grep .'):lines() do print(name) end\n"),
    ("bash", "main.sh", "ls -A; ls -A /tmp\n"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_program_finds_its_own_files_only() {
    let host = Host::open().await;
    for (language, entry, code) in PROGRAMS {
        assert_prints(&host, language, &[(entry, code)], &format!("{entry}\n")).await;
    }
}
