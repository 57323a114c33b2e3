// A real server for the length of a test file.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const START_MS = 30_000;

/** Starts `RUNBAY_BIN`; returns its address, what it offers and how to stop it. */
export async function startServer() {
  const binary = process.env.RUNBAY_BIN ?? join(repository, "target/debug/runbay");
  const directory = await mkdtemp(join(tmpdir(), "runbay-sdk-"));
  const server = spawn(binary, ["serve", "--listen", "127.0.0.1:0", "--data-dir", join(directory, "data")], {
    env: {
      PATH: process.env.PATH,
      RUNBAY_LANGUAGES: "python",
      RUNBAY_REQUEST_SECONDS: "30",
      // Servers on one host need different users for their programs.
      RUNBAY_FIRST_BAY_UID: String(2_000_000_000 + (process.pid % 32_768) * 60_000),
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const baseUrl = await listening(server, binary);
  const document = await (await fetch(`${baseUrl}/openapi.json`)).json();
  return {
    baseUrl,
    document,
    /** Why tests of a path cannot run; false when they can. */
    lacks: (path) => (document.paths[path] ? false : `this server has no ${path}`),
    async stop() {
      server.kill("SIGTERM");
      if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function listening(server, binary) {
  const log = [];
  return new Promise((resolve, reject) => {
    const fail = (why) => {
      server.kill("SIGKILL");
      reject(new Error(`${binary} ${why}\n${log.join("\n")}`));
    };
    const timer = setTimeout(() => fail("does not listen"), START_MS);
    server.on("error", (error) => fail(error.message));
    server.on("exit", () => fail("ended"));
    createInterface(server.stderr).on("line", (line) => {
      log.push(line);
      const found = /"server\.url":"([^"]+)"/.exec(line);
      if (!found) return;
      clearTimeout(timer);
      server.removeAllListeners("exit");
      resolve(found[1]);
    });
  });
}
