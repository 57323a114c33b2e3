import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";

import { startServer } from "./real_server.mjs";

const server = await startServer();
after(() => server.stop());

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const examples = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code);

test("the examples of the README print what they say", async (context) => {
  const lacks = [
    [".stream(", server.lacks("/executions/{execution_id}/events")],
    [".interact(", server.lacks("/executions/{execution_id}/ws")],
    [".interact(", !globalThis.WebSocket && "this node has no WebSocket"],
  ];
  const isLacking = (code) => lacks.find(([call, why]) => why && code.includes(call));
  for (const why of new Set(examples.map(isLacking).filter(Boolean).map(([, why]) => why))) {
    context.diagnostic(`examples left out: ${why}`);
  }
  const runnable = examples.filter((code) => !isLacking(code));
  const code = runnable
    .join("\n")
    .replaceAll("http://localhost:8080", server.baseUrl)
    .replaceAll('from "runbay"', `from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)}`);
  const directory = await mkdtemp(join(tmpdir(), "runbay-readme-"));
  try {
    const file = join(directory, "examples.mjs");
    await writeFile(file, code);
    const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, file]);
    const expected = [...code.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map(([, line]) => line);
    for (const line of expected) assert.ok(stdout.split("\n").includes(line), `${line} is missing in\n${stdout}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
