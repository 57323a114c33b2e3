// Runs the tests; arguments choose files by a part of their names.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const directory = fileURLToPath(new URL("../test", import.meta.url));
const chosen = process.argv.slice(2);
const files = readdirSync(directory)
  .filter((name) => name.endsWith(".test.mjs") && (chosen.length === 0 || chosen.some((part) => name.includes(part))))
  .map((name) => join(directory, name));

// Some versions of node have a WebSocket that must be asked for.
const flag = "--experimental-websocket";
const flags = globalThis.WebSocket === undefined && process.allowedNodeEnvironmentFlags.has(flag) ? [flag] : [];
const { status } = spawnSync(process.execPath, [...flags, "--test", ...files], { stdio: "inherit" });
process.exitCode = status ?? 1;
