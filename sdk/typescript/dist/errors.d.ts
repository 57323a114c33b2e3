import type { Execution, FieldError, Problem } from "./types.js";
/** Any error of this package. */
export declare class RunbayError extends Error {
    constructor(message: string, options?: {
        cause?: unknown;
    });
}
/** The server refused a request and said why. */
export declare class ApiError extends RunbayError {
    /** The whole problem document. */
    readonly problem: Problem;
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
    problem: Problem, retryAfterMs?: number);
}
/** The session was saved by somebody else since the version that the save named. */
export declare class VersionConflictError extends ApiError {
}
/** The session has an execution that has not ended. */
export declare class ActiveExecutionError extends ApiError {
    /** The execution that is in the way. */
    get executionId(): string | undefined;
}
/** There is no such session or execution, or it was erased. */
export declare class NotFoundError extends ApiError {
}
/** The server could not be reached, or the connection broke, as often as it was tried. */
export declare class ConnectionFailedError extends RunbayError {
}
/** An execution did not end in the time that was given. It goes on. */
export declare class WaitTimeoutError extends RunbayError {
    /** What it was like at the end of that time. */
    readonly execution: Execution;
    constructor(
    /** What it was like at the end of that time. */
    execution: Execution);
}
/** The server closed a WebSocket for good. */
export declare class InteractionClosedError extends RunbayError {
    readonly closeCode: number;
    readonly closeReason: string;
    constructor(closeCode: number, closeReason: string);
}
/** Makes the error of a problem document. */
export declare function apiError(problem: Problem, retryAfterMs?: number): ApiError;
