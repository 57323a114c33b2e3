// What the compiler is to accept and to refuse; never run.

import {
  ActiveExecutionError,
  type EndedExecution,
  type ExecutionEvent,
  type InteractionEvent,
  hasEnded,
  isProblem,
  outputBytes,
  Runbay,
  type WebSocketLike,
} from "runbay";

export async function accepted(runbay: Runbay, event: ExecutionEvent): Promise<string> {
  const { execution_id } = await runbay.run("s1", {
    args: ["a"],
    env: { A: "1" },
    interactive: true,
    limits: { wall_time_ms: 1_000 },
    priority: "low",
    repl: false,
    tests: [{ expected_stdout: "1", match: "tokens" }],
    tty: true,
  });
  const ended: EndedExecution = await runbay.wait(execution_id);
  const now = await runbay.readExecution(execution_id);
  const some = hasEnded(now) ? now.stdout : (now.stdout ?? "");
  for (const item of await runbay.createExecutions([{ source_code: "" }])) {
    if (isProblem(item)) item.code satisfies string;
    else item.execution_id satisfies string;
  }
  switch (event.type) {
    case "stdout":
    case "stderr":
      return outputBytes(event).length + event.data;
    case "status":
      return event.at;
    case "reset":
      return String(event.attempt);
    case "test":
      return event.verdict;
    case "result":
      return event.execution.stdout + some + ended.stdout;
  }
}

export function told(event: InteractionEvent): number | undefined {
  return event.type === "input_in_doubt" ? undefined : event.id;
}

export function refused(runbay: Runbay, error: unknown): void {
  // @ts-expect-error a field that does not exist
  void runbay.run("s1", { souce_code: "" });
  // @ts-expect-error a priority that does not exist
  void runbay.createExecution({ priority: "urgent" });
  // @ts-expect-error output is there once the execution has ended
  void runbay.readExecution("e1").then(({ stdout }) => stdout.length);
  if (error instanceof ActiveExecutionError) error.executionId satisfies string | undefined;
}

// What platforms and libraries have fits.
export const platform: WebSocketLike = new WebSocket("ws://localhost");
