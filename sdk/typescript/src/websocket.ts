// The part of a WebSocket that this package uses, in browsers, node and other implementations.

import { RunbayError } from "./errors.js";

/** What a WebSocket must be able to do. */
export interface WebSocketLike {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: string): void;
  close(code?: number): void;
}

/** Opens a WebSocket. The headers say who asks; browsers cannot send them. */
export type OpenWebSocket = (url: string, headers: Record<string, string>) => WebSocketLike;

/** How a connection ended. */
export interface Closure {
  code: number;
  reason: string;
  wasOpen: boolean;
}

/** One connection. */
export interface Connection {
  closed: Promise<Closure>;
  /** Sends a frame; false if it is not open. */
  send(frame: string): boolean;
  close(): void;
}

/** The code of connections that ended without a frame that closes them (RFC 6455, section 7.1.5). */
const ABNORMAL_CLOSURE = 1006;

/** How long a connection may take to open. */
const OPENING_MS = 30_000;

/** Opens the WebSocket of the platform. */
export const openPlatformWebSocket: OpenWebSocket = (url, headers) => {
  const { WebSocket } = globalThis;
  if (WebSocket === undefined) {
    throw new RunbayError("this platform has no WebSocket: give the option openWebSocket");
  }
  if (!isNode() || Object.keys(headers).length === 0) return new WebSocket(url);
  // Only node's takes headers, in the place of protocols.
  return new WebSocket(url, { headers } as unknown as string[]);
};

/** Follows a WebSocket that was just opened. */
export function connect(
  socket: WebSocketLike,
  listener: { opened(): void; received(frame: string): void },
): Connection {
  let state: "connecting" | "open" | "closed" = "connecting";
  let wasOpen = false;
  let resolve: (closure: Closure) => void;
  const closed = new Promise<Closure>((resolveClosed) => (resolve = resolveClosed));
  const end = (code: number, reason: unknown) => {
    clearTimeout(timer);
    state = "closed";
    resolve({ code, reason: String(reason ?? ""), wasOpen });
  };
  const timer = setTimeout(() => {
    end(ABNORMAL_CLOSURE, "");
    socket.close();
  }, OPENING_MS);
  socket.onopen = () => {
    if (state === "closed") return;
    clearTimeout(timer);
    state = "open";
    wasOpen = true;
    listener.opened();
  };
  socket.onmessage = ({ data }: { data: unknown }) => {
    if (typeof data === "string") listener.received(data);
  };
  socket.onclose = ({ code, reason }: { code: number; reason: unknown }) => end(code, reason);
  // `close` follows and says more; but not in node 20, when the connection could not be opened.
  socket.onerror = () => setTimeout(() => end(ABNORMAL_CLOSURE, ""), 100);
  return {
    closed,
    send(frame) {
      if (state !== "open") return false;
      socket.send(frame);
      return true;
    },
    close() {
      clearTimeout(timer);
      if (state !== "closed") socket.close(1000);
    },
  };
}

function isNode(): boolean {
  const { process, document } = globalThis as { process?: { versions?: { node?: string } }; document?: unknown };
  return Boolean(process?.versions?.node) && document === undefined;
}
