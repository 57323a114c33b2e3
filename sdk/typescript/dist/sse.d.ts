/** One message of the stream. */
export interface Message {
    type: string;
    /** The id of this message or, without one of its own, of the last one before it. */
    lastEventId: string | undefined;
    data: string;
}
export declare class MessageParser {
    private readonly decoder;
    private parts;
    private partsLength;
    private afterCarriageReturn;
    private type;
    private data;
    private dataLength;
    private lastEventId;
    /** Takes the next piece and returns the messages that it completes. */
    feed(piece: Uint8Array): Message[];
    private keep;
    private endLine;
    private endMessage;
}
