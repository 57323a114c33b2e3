// Client for Runbay, a self-hosted backend for live code execution.

export * from "./client.js";
export { outputBytes } from "./events.js";
export type {
  ExecutionEvent,
  InputInDoubtEvent,
  InteractionEvent,
  OutputEvent,
  ResetEvent,
  ResultEvent,
  StatusEvent,
  TestEvent,
} from "./events.js";
export {
  ActiveExecutionError,
  ApiError,
  ConnectionFailedError,
  InteractionClosedError,
  NotFoundError,
  RunbayError,
  VersionConflictError,
  WaitTimeoutError,
} from "./errors.js";
export type { Interaction, InteractOptions } from "./interaction.js";
export type { StreamOptions } from "./stream.js";
export * from "./types.js";
export type { OpenWebSocket, WebSocketLike } from "./websocket.js";
