// Client for Runbay, a self-hosted backend for live code execution.
export * from "./client.js";
export { outputBytes } from "./events.js";
export { ActiveExecutionError, ApiError, ConnectionFailedError, InteractionClosedError, NotFoundError, RunbayError, VersionConflictError, WaitTimeoutError, } from "./errors.js";
export * from "./types.js";
