import type { EndedExecution, ExecutionStatus, TestResult } from "./types.js";
/** The execution entered a state. */
export interface StatusEvent {
    type: "status";
    id: number;
    status: ExecutionStatus;
    attempt: number;
    at: string;
}
/** The program wrote something. */
export interface OutputEvent {
    type: "stdout" | "stderr";
    id: number;
    data: string;
    /** `base64` if that was asked for; without it `data` is text. */
    encoding?: "base64";
}
/** A test case has its verdict. */
export interface TestEvent extends TestResult {
    type: "test";
    id: number;
}
/** Everything written so far is void: drop it. What counts follows. */
export interface ResetEvent {
    type: "reset";
    id: number;
    attempt: number;
}
/** The execution has ended. Always the last event. */
export interface ResultEvent {
    type: "result";
    id: number;
    execution: EndedExecution;
}
/** One thing that happened to an execution. */
export type ExecutionEvent = StatusEvent | OutputEvent | TestEvent | ResetEvent | ResultEvent;
/** The connection was replaced. Input and signals that were sent last may not have arrived; they are not sent again. */
export interface InputInDoubtEvent {
    type: "input_in_doubt";
}
/** What comes from a program that somebody interacts with. */
export type InteractionEvent = ExecutionEvent | InputInDoubtEvent;
/** Returns the bytes of an output event. */
export declare function outputBytes(event: OutputEvent): Uint8Array;
/** Makes an event of its members on the wire; `undefined` for one that this version does not know. */
export declare function eventOf(type: string, id: number, members: object): ExecutionEvent | undefined;
