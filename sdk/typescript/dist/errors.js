// What can go wrong. Whatever this package throws by itself is a RunbayError.
/** Any error of this package. */
export class RunbayError extends Error {
    constructor(message, options) {
        super(message, options);
        this.name = new.target.name;
    }
}
/** The server refused a request and said why. */
export class ApiError extends RunbayError {
    problem;
    status;
    /** A stable word such as `invalid_body`; `http_502` and the like for answers that are no problem document. */
    code;
    title;
    detail;
    /** What is wrong, field by field, for people. */
    details;
    /** The same for programs. */
    errors;
    requestId;
    /** How long to wait before trying again, where the server says so. */
    retryAfterMs;
    constructor(
    /** The whole problem document. */
    problem, retryAfterMs) {
        const told = problem.details.length > 0 ? problem.details.join("; ") : problem.detail;
        super(`${problem.title} (${problem.status} ${problem.code})${told ? `: ${told}` : ""}`);
        this.problem = problem;
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
export class VersionConflictError extends ApiError {
}
/** The session has an execution that has not ended. */
export class ActiveExecutionError extends ApiError {
    /** The execution that is in the way. */
    get executionId() {
        return this.problem.execution_id;
    }
}
/** There is no such session or execution, or it was erased. */
export class NotFoundError extends ApiError {
}
/** The server could not be reached, or the connection broke, as often as it was tried. */
export class ConnectionFailedError extends RunbayError {
}
/** An execution did not end in the time that was given. It goes on. */
export class WaitTimeoutError extends RunbayError {
    execution;
    constructor(
    /** What it was like at the end of that time. */
    execution) {
        super(`execution ${execution.execution_id} is still ${execution.status}`);
        this.execution = execution;
    }
}
/** The server closed a WebSocket for good. */
export class InteractionClosedError extends RunbayError {
    closeCode;
    closeReason;
    constructor(closeCode, closeReason) {
        super(`the server closed the WebSocket: ${closeCode}${closeReason ? ` ${closeReason}` : ""}`);
        this.closeCode = closeCode;
        this.closeReason = closeReason;
    }
}
/** Makes the error of a problem document. */
export function apiError(problem, retryAfterMs) {
    if (problem.code === "version_conflict")
        return new VersionConflictError(problem, retryAfterMs);
    if (problem.code === "active_execution")
        return new ActiveExecutionError(problem, retryAfterMs);
    if (problem.status === 404)
        return new NotFoundError(problem, retryAfterMs);
    return new ApiError(problem, retryAfterMs);
}
