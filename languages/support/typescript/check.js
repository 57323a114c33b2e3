// Checks a TypeScript program for what it is when it runs: bundled by esbuild, for node. node check.js SOURCE...|--version
//
// scripts/install-languages unpacks a compiler and node's types for this, and makes a node with both in its memory.
// Without them tsc of the host has to do.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const v8 = require("node:v8");

const packed = "/usr/local/lib/runbay/typescript";
const declarationsFile = `${packed}/declarations.d.ts`;
const isBuilding = v8.startupSnapshot?.isBuildingSnapshot() ?? false;
// Comes before this file where a node is made that has it in its memory.
let ts = globalThis.runbayTypeScript;
// The files of the compiler and of node's types, by their paths.
const known = new Map();

function text(file) {
    try {
        return fs.readFileSync(file, "utf8");
    } catch {
        return undefined;
    }
}

function isFile(file) {
    return fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

function isDirectory(directory) {
    return fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

// The newest types that are not newer than node, or the oldest there are.
function typesVersion() {
    const major = Number(process.versions.node.split(".")[0]);
    const versions = fs.readdirSync(`${packed}/types`).map(Number).sort((a, b) => a - b);
    return versions.filter((version) => version <= major).pop() ?? versions[0];
}

// Until this version esbuild took all decorators for those of before the standard.
function decoratorsAreExperimental() {
    const said = require("node:child_process").spawnSync("esbuild", ["--version"], { encoding: "utf8" }).stdout ?? "";
    const [major, minor, patch] = said.split(".").map(Number);
    return major === 0 && (minor < 18 || (minor === 18 && patch < 5));
}

// What a program may say otherwise in its tsconfig.json.
function defaults(mentioned) {
    return {
        strict: true,
        // `catch (error) { console.log(error.message) }` is fine in most programs.
        useUnknownInCatchVariables: false,
        lib: ["lib.esnext.d.ts"],
        allowJs: true,
        jsx: ts.JsxEmit.React,
        useDefineForClassFields: false,
        experimentalDecorators: mentioned(/^\s*@\w/m) && decoratorsAreExperimental(),
    };
}

// What esbuild and node decide, whatever a tsconfig.json says.
function decided() {
    return {
        target: ts.ScriptTarget.ESNext,
        module: ts.ModuleKind.Preserve,
        moduleResolution: ts.ModuleResolutionKind.Bundler,
        moduleDetection: ts.ModuleDetectionKind.Force,
        allowImportingTsExtensions: true,
        resolveJsonModule: true,
        esModuleInterop: true,
        skipLibCheck: true,
        types: ["node"],
        typeRoots: [`${packed}/types/${typesVersion()}/node_modules/@types`],
        noEmit: true,
        composite: false,
        incremental: false,
        declaration: false,
        declarationDir: undefined,
        declarationMap: false,
        mapRoot: undefined,
        emitDeclarationOnly: false,
        isolatedDeclarations: false,
        rootDir: undefined,
        rootDirs: undefined,
        outFile: undefined,
        tsBuildInfoFile: undefined,
        ignoreDeprecations: "5.0",
    };
}

// Names of node that are missing in its types. Programs that name them get them, as far as they mean node's.
const missing = {
    WebAssembly: `/// <reference path="${packed}/webassembly.d.ts" />`,
    Performance: 'type Performance = import("perf_hooks").Performance; declare var Performance: any;',
    Crypto: 'type Crypto = import("crypto").webcrypto.Crypto; declare var Crypto: any;',
    CryptoKey: 'type CryptoKey = import("crypto").webcrypto.CryptoKey; declare var CryptoKey: any;',
    SubtleCrypto: 'type SubtleCrypto = import("crypto").webcrypto.SubtleCrypto; declare var SubtleCrypto: any;',
};

// Declares what a program need not declare because it only matters to a checker, unless it does.
function declarations(sources, mentioned, libraries) {
    const declared = [];
    if (!libraries.some((name) => /dom|webworker/.test(name))) {
        const names = Object.keys(missing).filter((name) => mentioned(RegExp(`\\b${name}\\b`)));
        declared.push(...names.map((name) => missing[name]));
    }
    if (sources.some((file) => file.endsWith(".tsx")) && !mentioned(/namespace JSX\b/)) {
        declared.push("declare namespace JSX { type Element = any; interface IntrinsicElements { [name: string]: any } }");
    }
    // esbuild makes a string of such a file.
    if (mentioned(/\.txt["'`]/) && !mentioned(/["']\*\.txt["']/)) {
        declared.push('declare module "*.txt" { const text: string; export default text; }');
    }
    return declared.join("\n");
}

// The options in the tsconfig.json that esbuild uses for the first file, and what is wrong with them.
function ownOptions(sources, host) {
    for (let directory = path.resolve(path.dirname(sources[0])); ; directory = path.dirname(directory)) {
        const file = path.join(directory, "tsconfig.json");
        if (isFile(file)) {
            const parsed = ts.readJsonConfigFile(file, text);
            const { options, errors } = ts.parseJsonSourceFileConfigFileContent(parsed, host, directory, undefined, file);
            // That it names no files is none: the files of the program are checked.
            const faults = [...parsed.parseDiagnostics, ...errors].filter(({ code }) => code !== 18002 && code !== 18003);
            return { options, faults };
        }
        if (directory === path.dirname(directory)) return { options: {}, faults: [] };
    }
}

// What the compiler asks of the system. It must not ask by itself: it remembers the directory that it was loaded in.
const host = {
    fileExists: (file) => file === declarationsFile || isFile(file),
    readFile: text,
    directoryExists: isDirectory,
    getDirectories: (directory) => (isDirectory(directory) ? fs.readdirSync(directory) : []),
    readDirectory: () => [],
    realpath: (file) => (fs.existsSync(file) ? fs.realpathSync(file) : file),
    getDefaultLibFileName: () => `${packed}/lib/lib.d.ts`,
    getDefaultLibLocation: () => `${packed}/lib`,
    getCurrentDirectory: () => process.cwd(),
    getCanonicalFileName: (file) => file,
    useCaseSensitiveFileNames: true,
    getNewLine: () => "\n",
    writeFile: () => {},
};

function programHost(declared) {
    const getSourceFile = (file, options) => {
        if (known.has(file)) return known.get(file);
        const content = file === declarationsFile ? declared : text(file);
        if (content === undefined) return undefined;
        const parsed = ts.createSourceFile(file, content, options);
        if (isBuilding && file.startsWith(packed) && file !== declarationsFile) known.set(file, parsed);
        return parsed;
    };
    return { ...host, getSourceFile, useCaseSensitiveFileNames: () => true };
}

// Returns what is wrong with a program, as the command line of the compiler says it.
function check(sources) {
    const mentioned = (words) => sources.some((file) => words.test(text(file) ?? ""));
    const { options: own, faults } = ownOptions(sources, host);
    const options = { ...defaults(mentioned), ...own, ...decided() };
    const files = [declarationsFile, ...sources.map((file) => path.resolve(file))];
    const declared = declarations(sources, mentioned, options.lib);
    const program = ts.createProgram(files, options, programHost(declared));
    faults.push(...program.getOptionsDiagnostics());
    // What the types are of a text that cannot be read is of no use.
    const broken = program.getSyntacticDiagnostics();
    faults.push(...(broken.length > 0 ? broken : [...program.getGlobalDiagnostics(), ...program.getSemanticDiagnostics()]));
    return ts.formatDiagnostics(ts.sortAndDeduplicateDiagnostics(faults), host);
}

function checkWithCompilerOfHost(sources) {
    const flags = [
        "--noEmit", "--pretty", "false", "--strict", "--skipLibCheck", "--esModuleInterop", "--resolveJsonModule",
        "--target", "es2022", "--lib", "es2022", "--module", "esnext", "--moduleResolution", "node",
        "--moduleDetection", "force", "/opt/runbay/typescript/node.d.ts",
    ];
    const args = sources[0] === "--version" ? sources : [...flags, ...sources];
    process.exitCode = require("node:child_process").spawnSync("tsc", args, { stdio: "inherit" }).status ?? 1;
}

function main(sources) {
    if (!fs.existsSync(`${packed}/versions`)) {
        checkWithCompilerOfHost(sources);
    } else if (sources[0] === "--version") {
        process.stdout.write(fs.readFileSync(`${packed}/versions`));
    } else {
        ts ??= require(`${packed}/lib/typescript.js`);
        const said = check(sources);
        process.stdout.write(said);
        process.exitCode = said === "" ? 0 : 2;
    }
}

if (isBuilding) {
    // Reads what every check reads.
    const sample = path.join(process.cwd(), "sample.ts");
    fs.writeFileSync(sample, 'import * as fs from "fs";\nconsole.log(fs, Buffer);\n');
    const said = check([sample]);
    if (said !== "") throw new Error(said);
    v8.startupSnapshot.setDeserializeMainFunction(() => main(process.argv.slice(1)));
} else {
    main(process.argv.slice(2));
}
