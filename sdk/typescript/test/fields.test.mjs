import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";

import { startServer } from "./real_server.mjs";

const server = await startServer();
after(() => server.stop());

// Other names of what has a name here already.
const ALIASES = new Set(["code", "template_code", "executionTime"]);

const TYPES = {
  File: [],
  ChosenLimits: [],
  TestCase: [],
  CreateSession: [],
  SaveSession: [],
  CheckSession: [],
  RunSession: [],
  Session: [],
  SessionPage: [],
  SavedSession: [],
  ClosedSession: [],
  Diagnostic: [],
  CheckReport: [],
  AcceptedExecution: [],
  TestResult: [],
  Execution: ["Outcome"],
  ExecutionPage: [],
  Language: [],
  Languages: [],
  FieldError: [],
  Problem: [],
};

const source = await readFile(new URL("../src/types.ts", import.meta.url), "utf8");

function typed(name) {
  const body = new RegExp(`^export interface ${name} .*?\\{\\n(.*?)^\\}`, "ms").exec(source)[1];
  return [...body.matchAll(/^  (\w+)\??:/gm)].map(([, member]) => member);
}

function described(schema) {
  if (schema.$ref) return described(server.document.components.schemas[schema.$ref.split("/").at(-1)]);
  const own = Object.keys(schema.properties ?? {});
  return [...own, ...(schema.allOf ?? []).flatMap(described)];
}

test("the types have every member that the server describes", () => {
  for (const [name, parts] of Object.entries(TYPES)) {
    const known = new Set([name, ...parts].flatMap(typed));
    const missing = described(server.document.components.schemas[name]).filter(
      (member) => !known.has(member) && !ALIASES.has(member),
    );
    assert.deepEqual(missing, [], `${name} in src/types.ts`);
  }
  const run = new Set(typed("RunSession"));
  const missing = described(server.document.components.schemas.CreateExecution).filter(
    (member) => !run.has(member) && !ALIASES.has(member),
  );
  assert.deepEqual(missing, [], "CreateExecution in src/types.ts");
});
