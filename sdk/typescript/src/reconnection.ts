// How far a stream of events has come, and when it has failed for good.

import { ApiError, ConnectionFailedError } from "./errors.js";
import { backoffMs, sleep } from "./retry.js";

const MAX_FAILURES = 10;

export class Reconnection {
  private highestId = -Infinity;
  private failures = 0;

  constructor(
    /** From where the next connection goes on. */
    public lastEventId: number | undefined,
    private readonly maxFailures = MAX_FAILURES,
  ) {}

  /** Notes an event. What was told before, as after a reset, is no progress. */
  received(id: number): void {
    if (!Number.isFinite(id)) return;
    this.lastEventId = id;
    if (id <= this.highestId) return;
    this.highestId = id;
    this.failures = 0;
  }

  /** Waits until it is time to connect again; throws after too many failures without progress. */
  async pause(failure: unknown, signal?: AbortSignal): Promise<void> {
    if (this.failures >= this.maxFailures) throw this.givenUp(failure);
    const asked = failure instanceof ApiError ? failure.retryAfterMs : undefined;
    await sleep(Math.max(backoffMs(this.failures), Math.min(asked ?? 0, 30_000)), signal);
    this.failures += 1;
  }

  private givenUp(failure: unknown): unknown {
    if (failure instanceof ApiError) return failure;
    const told = failure instanceof Error ? failure.message : String(failure);
    const message = `the events could not be followed in ${this.failures + 1} connections without a new one: ${told}`;
    return new ConnectionFailedError(message, { cause: failure });
  }
}
