// What can go wrong. Whatever this package throws by itself is a RunbayError.

import type { Execution, FieldError, Problem } from "./types.js";

/** Any error of this package. */
export class RunbayError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The server refused a request and said why. */
export class ApiError extends RunbayError {
  readonly status: number;
  /** A stable word such as `invalid_body`; `http_502` and the like for answers that are no problem document. */
  readonly code: string;
  readonly title: string;
  readonly detail: string | undefined;
  /** What is wrong, field by field, for people. */
  readonly details: string[];
  /** The same for programs. */
  readonly errors: FieldError[];
  readonly requestId: string | undefined;
  /** How long to wait before trying again, where the server says so. */
  readonly retryAfterMs: number | undefined;

  constructor(
    /** The whole problem document. */
    readonly problem: Problem,
    retryAfterMs?: number,
  ) {
    const told = problem.details.length > 0 ? problem.details.join("; ") : problem.detail;
    super(`${problem.title} (${problem.status} ${problem.code})${told ? `: ${told}` : ""}`);
    this.status = problem.status;
    this.code = problem.code;
    this.title = problem.title;
    this.detail = problem.detail;
    this.details = problem.details;
    this.errors = problem.errors;
    this.requestId = problem.request_id || undefined;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The session was saved by somebody else since the version that the save named. */
export class VersionConflictError extends ApiError {}

/** The session has an execution that has not ended. */
export class ActiveExecutionError extends ApiError {
  /** The execution that is in the way. */
  get executionId(): string | undefined {
    return this.problem.execution_id;
  }
}

/** There is no such session or execution, or it was erased. */
export class NotFoundError extends ApiError {}

/** The server could not be reached, or the connection broke, as often as it was tried. */
export class ConnectionFailedError extends RunbayError {}

/** An execution did not end in the time that was given. It goes on. */
export class WaitTimeoutError extends RunbayError {
  constructor(
    /** What it was like at the end of that time. */
    readonly execution: Execution,
  ) {
    super(`execution ${execution.execution_id} is still ${execution.status}`);
  }
}

/** The server closed a WebSocket for good. */
export class InteractionClosedError extends RunbayError {
  constructor(
    readonly closeCode: number,
    readonly closeReason: string,
  ) {
    super(`the server closed the WebSocket: ${closeCode}${closeReason ? ` ${closeReason}` : ""}`);
  }
}

/** Makes the error of a problem document. */
export function apiError(problem: Problem, retryAfterMs?: number): ApiError {
  if (problem.code === "version_conflict") return new VersionConflictError(problem, retryAfterMs);
  if (problem.code === "active_execution") return new ActiveExecutionError(problem, retryAfterMs);
  if (problem.status === 404) return new NotFoundError(problem, retryAfterMs);
  return new ApiError(problem, retryAfterMs);
}
