export declare class Reconnection {
    /** From where the next connection goes on. */
    lastEventId: number | undefined;
    private readonly maxFailures;
    private highestId;
    private failures;
    constructor(
    /** From where the next connection goes on. */
    lastEventId: number | undefined, maxFailures?: number);
    /** Notes an event. What was told before, as after a reset, is no progress. */
    received(id: number): void;
    /** Waits until it is time to connect again; throws after too many failures without progress. */
    pause(failure: unknown, signal?: AbortSignal): Promise<void>;
    private givenUp;
}
