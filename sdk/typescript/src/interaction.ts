// A conversation with a running program over a WebSocket, across broken connections.

import { toBase64 } from "./base64.js";
import { InteractionClosedError, RunbayError } from "./errors.js";
import { eventOf, type InteractionEvent } from "./events.js";
import { Reconnection } from "./reconnection.js";
import { mayPass } from "./retry.js";
import type { OutputEncoding } from "./types.js";
import { connect, type Connection, type WebSocketLike } from "./websocket.js";

/** How to interact. */
export interface InteractOptions {
  /** `base64` for exact bytes. */
  encoding?: OutputEncoding;
  /** The id of the last event that is known already; what came after it is told. */
  lastEventId?: number;
  /** How many connections in a row may break without a new event; 10 without it. */
  maxFailures?: number;
  signal?: AbortSignal;
}

/** What an interaction needs of its client. */
export interface InteractionHost {
  openWebSocket(lastEventId: number | undefined): WebSocketLike;
  /** Throws the reason why the execution cannot be followed, if the server has one. */
  verify(): Promise<void>;
}

type Command =
  | { type: "stdin"; data: string; encoding?: "base64" }
  | { type: "eof" }
  | { type: "signal"; name: string }
  | { type: "resize"; cols: number; rows: number };

/** The server bounds frames, so longer input is sent in several. */
const INPUT_PIECE = 8_192;

/** Commands that may wait for a connection. */
const MAX_WAITING = 1_024;

/**
 * A running program's input and events. Iterate over it once for the events, `result` being the last.
 *
 * After a broken connection it goes on by itself. Events are never lost by that. Input that was on its way in that
 * moment can be, which an event `input_in_doubt` says.
 */
export class Interaction implements AsyncIterable<InteractionEvent> {
  private readonly reconnection: Reconnection;
  private readonly waiting: Command[] = [];
  private readonly arrived: InteractionEvent[] = [];
  private readonly stop = new AbortController();
  private connection: Connection | undefined;
  private wake: () => void = () => {};
  private ended = false;
  private failure: unknown;
  private inputWasSent = false;
  private atEof = false;
  private size: Command | undefined;

  /** Use `interact` of the client. */
  constructor(
    private readonly host: InteractionHost,
    private readonly options: InteractOptions,
  ) {
    this.reconnection = new Reconnection(options.lastEventId, options.maxFailures);
    void this.follow();
  }

  /** Sends input; false if the program has ended. */
  input(data: string | Uint8Array): boolean {
    for (const command of typeof data === "string" ? textInput(data) : bytesInput(data)) {
      if (!this.send(command)) return false;
    }
    return !this.ended;
  }

  /** Ends the input; false if the program has ended. */
  eof(): boolean {
    this.atEof = true;
    return this.send({ type: "eof" });
  }

  /** Sends a signal such as `SIGINT`; false if the program has ended. */
  signal(name: string): boolean {
    return this.send({ type: "signal", name });
  }

  /** Tells the size of the terminal; false if the program has ended. */
  resize(cols: number, rows: number): boolean {
    this.size = { type: "resize", cols, rows };
    return this.send(this.size);
  }

  /** Leaves the program alone; it goes on. */
  close(): void {
    this.finish(undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<InteractionEvent, void, undefined> {
    try {
      for (;;) {
        const event = this.arrived.shift();
        if (event !== undefined) yield event;
        else if (this.failure !== undefined) throw this.failure;
        else if (this.ended) return;
        else await new Promise<void>((resolve) => (this.wake = resolve));
      }
    } finally {
      this.close();
    }
  }

  private send(command: Command): boolean {
    if (this.ended) return false;
    if (this.connection?.send(JSON.stringify(command))) {
      // The others are told again after a break.
      this.inputWasSent ||= command.type === "stdin" || command.type === "signal";
      return true;
    }
    if (this.waiting.length >= MAX_WAITING) throw new RunbayError("too much input waits for the connection");
    this.waiting.push(command);
    return true;
  }

  private finish(failure: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.failure = failure;
    this.stop.abort();
    this.connection?.close();
    this.wake();
  }

  private async follow(): Promise<void> {
    const { signal } = this.options;
    const abort = () => this.finish(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      while (!this.ended) {
        const failure = await this.followOnce();
        if (!this.ended) await this.reconnection.pause(failure, this.stop.signal);
      }
    } catch (error) {
      this.finish(error);
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Follows one connection to its end and returns what ended it; throws if another would end like it. */
  private async followOnce(): Promise<unknown> {
    const socket = this.host.openWebSocket(this.reconnection.lastEventId);
    const connection = connect(socket, {
      opened: () => this.catchUp(),
      received: (frame) => this.received(frame),
    });
    this.connection = connection;
    const { code, reason, wasOpen } = await connection.closed;
    this.connection = undefined;
    if (this.ended) return undefined;
    const closed = new InteractionClosedError(code, reason);
    if (code === 4400 || code === 1009) throw closed;
    const isRefused = code === 4401 || code === 4404;
    // Browsers do not tell why a connection could not be opened.
    if (isRefused || !wasOpen) await this.verify();
    if (isRefused) throw closed;
    return closed;
  }

  private async verify(): Promise<void> {
    try {
      await this.host.verify();
    } catch (error) {
      if (!mayPass(error)) throw error;
    }
  }

  private catchUp(): void {
    if (this.inputWasSent) this.tell({ type: "input_in_doubt" });
    this.inputWasSent = false;
    const waiting = this.waiting.splice(0);
    // Both may have been lost with the connection before, and telling them twice changes nothing.
    if (this.size !== undefined && !waiting.includes(this.size)) this.send(this.size);
    for (const command of waiting) this.send(command);
    if (this.atEof && !waiting.some(({ type }) => type === "eof")) this.send({ type: "eof" });
  }

  private received(frame: string): void {
    if (this.ended) return;
    let parsed: { type: string; id: number };
    try {
      parsed = JSON.parse(frame);
    } catch (error) {
      return this.finish(new RunbayError("the server sent a frame that is not JSON", { cause: error }));
    }
    const { type, id, ...members } = parsed;
    if (type === "too_slow") return;
    this.reconnection.received(id);
    const event = eventOf(type, id, members);
    if (event === undefined) return;
    this.tell(event);
    if (event.type === "result") this.finish(undefined);
  }

  private tell(event: InteractionEvent): void {
    this.arrived.push(event);
    this.wake();
  }
}

function* textInput(text: string): Generator<Command> {
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + INPUT_PIECE, text.length);
    // Both halves of a surrogate pair go into one piece.
    if (end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1))) end -= 1;
    yield { type: "stdin", data: text.slice(start, end) };
    start = end;
  }
}

function* bytesInput(bytes: Uint8Array): Generator<Command> {
  for (let start = 0; start < bytes.length; start += INPUT_PIECE) {
    yield { type: "stdin", data: toBase64(bytes.subarray(start, start + INPUT_PIECE)), encoding: "base64" };
  }
}
