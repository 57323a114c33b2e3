// Builds dist from src. With --check it changes nothing, and fails if dist is not what src gives.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

function build(directory) {
  rmSync(directory, { recursive: true, force: true });
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [compiler, "--project", root, "--outDir", directory], { stdio: "inherit" });
}

function filesIn(directory) {
  return new Map(readdirSync(directory).sort().map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}

if (process.argv.includes("--check")) {
  const directory = mkdtempSync(join(tmpdir(), "runbay-dist-"));
  try {
    build(directory);
    const [built, kept] = [filesIn(directory), filesIn(dist)];
    const names = new Set([...built.keys(), ...kept.keys()]);
    const different = [...names].filter((name) => built.get(name) !== kept.get(name));
    if (different.length > 0) {
      console.error(`dist is not what src gives: ${different.join(", ")}; run npm run build`);
      process.exitCode = 1;
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
} else {
  build(dist);
}
