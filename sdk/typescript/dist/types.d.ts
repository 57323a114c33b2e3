/** A word that a later version of the server may add to. */
type Word<Known extends string> = Known | (string & {});
/** How an execution can end. */
export type EndStatus = "COMPLETED" | "FAILED" | "TIMEOUT" | "CANCELLED";
/** Where an execution is in its life cycle. */
export type ExecutionStatus = "QUEUED" | "RUNNING" | EndStatus;
/** Whether a session can be saved and run. */
export type SessionStatus = "ACTIVE" | "INACTIVE";
/** Why an execution ended otherwise than well. */
export type EndReason = Word<"runtime_error" | "compile_error" | "memory_limit" | "output_limit" | "process_limit" | "worker_lost" | "internal_error" | "wall_time_limit" | "cpu_time_limit" | "idle_time_limit" | "cancelled">;
/** How urgent an execution is beside others that wait. */
export type Priority = "high" | "normal" | "low";
/** How output is written: as text, or exactly, in base64. */
export type OutputEncoding = "text" | "base64";
/** A file of a program. */
export interface File {
    name: string;
    content: string;
    /** How `content` is written; without it as text. */
    encoding?: "utf8" | "base64" | null;
}
/** Limits that a run chooses; `languages` tells the ranges. */
export interface ChosenLimits {
    wall_time_ms?: number;
    cpu_time_ms?: number;
    memory_bytes?: number;
    stack_bytes?: number;
    stdout_bytes?: number;
    stderr_bytes?: number;
    processes?: number;
    open_files?: number;
    file_bytes?: number;
    disk_bytes?: number;
    inodes?: number;
    compile_time_ms?: number;
    compile_memory_bytes?: number;
    interactive_time_ms?: number;
    idle_time_ms?: number;
}
/** All limits of a run. */
export type RunLimits = Required<ChosenLimits>;
/** What a run may choose for each limit. */
export type LimitRanges = Record<keyof RunLimits, {
    least: number;
    most: number;
}>;
/** What a program is to write for an input. */
export interface TestCase {
    expected_stdout: string;
    name?: string | null;
    stdin?: string | null;
    args?: string[] | null;
    /** How exactly the output is compared; `trimmed` without it. */
    match?: "trimmed" | "exact" | "tokens" | "regex" | null;
}
/** What a session begins with. */
export interface CreateSession {
    language?: string | null;
    source_code?: string | null;
    files?: File[] | null;
}
/** What is saved. */
export interface SaveSession {
    language?: string | null;
    source_code?: string | null;
    files?: File[] | null;
    /** The version that was read; the save is refused if the session has another one by now. */
    version?: number | null;
}
/** What is checked in place of the saved code. */
export interface CheckSession {
    language?: string | null;
    source_code?: string | null;
    files?: File[] | null;
}
/** A run of a session; code in it is saved first. */
export interface RunSession {
    language?: string | null;
    source_code?: string | null;
    files?: File[] | null;
    stdin?: string | null;
    args?: string[] | null;
    env?: Record<string, string> | null;
    limits?: ChosenLimits | null;
    priority?: Priority | null;
    tests?: TestCase[] | null;
    stop_on_failure?: boolean | null;
    /** Whether standard input stays open for `interact`. */
    interactive?: boolean | null;
    /** Whether to run the language's interactive prompt. */
    repl?: boolean | null;
    /** Whether the program gets a terminal. */
    tty?: boolean | null;
}
/** A run without a session. `source_code` or `files` must be there. */
export type CreateExecution = RunSession;
/** A session with its code. */
export interface Session {
    session_id: string;
    status: SessionStatus;
    language: string;
    /** The code of the first file. */
    source_code: string;
    /** All files; absent where the code was not sent as files. */
    files?: File[];
    version: number;
    /** The execution of it that has not ended. */
    active_execution_id: string | null;
    created_at: string;
    updated_at: string;
}
/** A session in a list. */
export type SessionSummary = Omit<Session, "source_code" | "files">;
/** One page of sessions, newest first. */
export interface SessionPage {
    sessions: SessionSummary[];
    next_cursor: string | null;
}
/** The answer to a save. */
export interface SavedSession {
    session_id: string;
    status: SessionStatus;
    version: number;
    updated_at: string;
}
/** The answer to closing a session. */
export interface ClosedSession {
    session_id: string;
    status: SessionStatus;
    erased?: boolean;
}
/** What a checker found. */
export interface Diagnostic {
    file: string | null;
    line: number | null;
    column: number | null;
    severity: Word<"error" | "warning" | "note">;
    message: string;
}
/** The answer to a check. */
export interface CheckReport {
    diagnostics: Diagnostic[];
    /** One sentence, where there is more to say than the diagnostics. */
    message: string | null;
}
/** An execution that was accepted. */
export interface AcceptedExecution {
    execution_id: string;
    status: ExecutionStatus;
    /** The version of the session whose code is run. */
    session_version?: number;
}
/** What came of a test case. */
export interface TestResult {
    index: number;
    name: string | null;
    verdict: "passed" | "failed" | "error" | "skipped";
    reason: EndReason | null;
    message: string | null;
    exit_code: number | null;
    signal: string | null;
    stdout: string;
    stderr: string;
    stdout_truncated: boolean;
    stderr_truncated: boolean;
    execution_time_ms: number | null;
    cpu_time_ms: number | null;
    memory_bytes: number | null;
}
/** What came of an execution. */
export interface Outcome {
    reason: EndReason | null;
    message: string | null;
    exit_code: number | null;
    signal: string | null;
    stdout: string;
    stderr: string;
    compile_output: string | null;
    tests: TestResult[] | null;
    tests_passed: number | null;
    tests_total: number | null;
    stdout_truncated: boolean;
    stderr_truncated: boolean;
    execution_time_ms: number | null;
    cpu_time_ms: number | null;
    memory_bytes: number | null;
    compile_time_ms: number | null;
}
/** Output as the program wrote it, in the order of both streams. */
export interface LogEntry {
    stream: "stdout" | "stderr";
    data: string;
}
/** An execution; what came of it is there once it has ended, in lists without its output. */
export interface Execution extends Partial<Outcome> {
    execution_id: string;
    session_id: string | null;
    session_version: number | null;
    language: string;
    status: ExecutionStatus;
    attempt: number;
    queue_time_ms: number | null;
    created_at: string;
    queued_at: string;
    started_at: string | null;
    completed_at: string | null;
    /** The code that is run; only with `include: "source"`. */
    source_code?: string;
    /** All files that are run; only with `include: "source"`, and absent where the code was not sent as files. */
    files?: File[];
    /** Only with `include: "log"`. */
    log?: LogEntry[];
}
/** An execution that has ended. */
export type EndedExecution = Execution & Outcome & {
    status: EndStatus;
};
/** One page of executions, newest first and without their output. */
export interface ExecutionPage {
    executions: Execution[];
    next_cursor: string | null;
}
/** A language that the server offers. */
export interface Language {
    id: string;
    name: string;
    aliases: string[];
    version: string;
    template: string;
    entry: string;
    compiled: boolean;
    check: boolean;
    repl: boolean;
    limits: RunLimits;
}
/** What can be run. */
export interface Languages {
    languages: Language[];
    limit_ranges: LimitRanges;
}
/** What is wrong with one field of a request. */
export interface FieldError {
    field: string;
    message: string;
}
/** Why a request was refused (RFC 9457). */
export interface Problem {
    type: string;
    title: string;
    status: number;
    /** A stable word for programs. */
    code: string;
    detail?: string;
    /** The same as `title`. */
    error: string;
    details: string[];
    errors: FieldError[];
    request_id: string;
    /** The execution that is in the way, with the code `active_execution`. */
    execution_id?: string;
}
/** Tells whether an execution has ended. */
export declare function hasEnded(execution: Execution): execution is EndedExecution;
/** Tells a problem from what may be in its place in a batch or list. */
export declare function isProblem(item: object): item is Problem;
export {};
