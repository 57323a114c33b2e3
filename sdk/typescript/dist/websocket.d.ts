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
/** Opens the WebSocket of the platform. */
export declare const openPlatformWebSocket: OpenWebSocket;
/** Follows a WebSocket that was just opened. */
export declare function connect(socket: WebSocketLike, listener: {
    opened(): void;
    received(frame: string): void;
}): Connection;
