// Checks a TypeScript program for what it is when it runs: bundled by esbuild, for node. node check.js SOURCE...|--version
//
// scripts/install-languages packs a compiler and node's types for this. Without them tsc of the host has to do.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { spawnSync } = require("node:child_process");

const packed = "/usr/local/lib/runbay/typescript";
const own = "/tmp/.runbay-typescript";
const isPacked = fs.existsSync(`${packed}/lib/_tsc.js`);
const sources = process.argv.slice(2);

// What a program may say otherwise in its tsconfig.json.
const defaults = {
    strict: true,
    // `catch (error) { console.log(error.message) }` is fine in most programs.
    useUnknownInCatchVariables: false,
    lib: ["esnext"],
    allowJs: true,
    jsx: "react",
    useDefineForClassFields: false,
    experimentalDecorators: hasDecorators() && decoratorsAreExperimental(),
};

// What esbuild and node decide, whatever a tsconfig.json says.
const decided = {
    target: "esnext",
    module: "preserve",
    moduleResolution: "bundler",
    moduleDetection: "force",
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
    declarationMap: false,
    emitDeclarationOnly: false,
    isolatedDeclarations: false,
    rootDir: null,
    outFile: null,
    tsBuildInfoFile: null,
    ignoreDeprecations: "5.0",
};

function text(file) {
    try {
        return fs.readFileSync(file, "utf8");
    } catch {
        return "";
    }
}

// The newest types that are not newer than node, or the oldest there are.
function typesVersion() {
    const major = Number(process.versions.node.split(".")[0]);
    const versions = isPacked ? fs.readdirSync(`${packed}/types`).map(Number).sort() : [0];
    return versions.findLast((version) => version <= major) ?? versions[0];
}

function hasDecorators() {
    return sources.some((file) => /^\s*@\w/m.test(text(file)));
}

// Until this version esbuild took all decorators for those of before the standard.
function decoratorsAreExperimental() {
    const said = spawnSync("esbuild", ["--version"], { encoding: "utf8" }).stdout ?? "";
    const [major, minor, patch] = said.split(".").map(Number);
    return major === 0 && (minor < 18 || (minor === 18 && patch < 5));
}

// The tsconfig.json that esbuild uses for the first file.
function programConfig() {
    for (let directory = path.resolve(path.dirname(sources[0])); ; directory = path.dirname(directory)) {
        const file = path.join(directory, "tsconfig.json");
        if (fs.existsSync(file)) return [file];
        if (directory === path.dirname(directory)) return [];
    }
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
function declarations(config) {
    const mentioned = (words) => sources.some((file) => words.test(text(file)));
    const declared = [];
    if (!config.some((file) => /["'](dom|webworker)["'.]/i.test(text(file)))) {
        declared.push(...Object.keys(missing).filter((name) => mentioned(RegExp(`\\b${name}\\b`))).map((name) => missing[name]));
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

function checkWithPackedCompiler() {
    fs.mkdirSync(own, { recursive: true });
    fs.writeFileSync(`${own}/defaults.json`, JSON.stringify({ compilerOptions: defaults }));
    const config = programConfig();
    fs.writeFileSync(`${own}/declarations.d.ts`, declarations(config));
    const files = [`${own}/declarations.d.ts`, ...sources.map((file) => path.resolve(file))];
    const whole = { extends: [`${own}/defaults.json`, ...config], compilerOptions: decided, files, include: [] };
    fs.writeFileSync(`${own}/tsconfig.json`, JSON.stringify(whole));
    process.argv.splice(2, sources.length, "--project", `${own}/tsconfig.json`, "--pretty", "false");
    require(`${packed}/lib/_tsc.js`);
}

function checkWithCompilerOfHost() {
    const flags = [
        "--noEmit", "--pretty", "false", "--strict", "--skipLibCheck", "--esModuleInterop", "--resolveJsonModule",
        "--target", "es2022", "--lib", "es2022", "--module", "esnext", "--moduleResolution", "node",
        "--moduleDetection", "force", "/opt/runbay/typescript/node.d.ts",
    ];
    const { status } = spawnSync("tsc", sources[0] === "--version" ? sources : [...flags, ...sources], { stdio: "inherit" });
    process.exitCode = status ?? 1;
}

if (sources[0] === "--version" && isPacked) {
    process.stdout.write(fs.readFileSync(`${packed}/versions`));
} else if (isPacked) {
    checkWithPackedCompiler();
} else {
    checkWithCompilerOfHost();
}
