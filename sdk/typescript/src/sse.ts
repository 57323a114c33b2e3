// Reads a stream of server-sent events (HTML standard, section 9.2.6), however it is cut into pieces.

/** One message of the stream. */
export interface Message {
  type: string;
  /** The id of this message or, without one of its own, of the last one before it. */
  lastEventId: string | undefined;
  data: string;
}

/** So many characters may belong to one message; results with all output escaped stay below. */
const LONGEST_MESSAGE = 256 * 1024 * 1024;

export class MessageParser {
  private readonly decoder = new TextDecoder();
  private parts: string[] = [];
  private partsLength = 0;
  private afterCarriageReturn = false;
  private type = "";
  private data: string[] = [];
  private dataLength = 0;
  private lastEventId: string | undefined;

  /** Takes the next piece and returns the messages that it completes. */
  feed(piece: Uint8Array): Message[] {
    const messages: Message[] = [];
    let text = this.decoder.decode(piece, { stream: true });
    // The line feed of a pair that was cut in two.
    if (this.afterCarriageReturn && text !== "") {
      if (text.startsWith("\n")) text = text.slice(1);
      this.afterCarriageReturn = false;
    }
    const ends = /\r\n|\n|\r/g;
    let start = 0;
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      this.keep(text.slice(start, end.index));
      start = ends.lastIndex;
      const line = this.parts.join("");
      this.parts = [];
      this.partsLength = 0;
      this.endLine(line, messages);
    }
    this.afterCarriageReturn = text.endsWith("\r");
    this.keep(text.slice(start));
    return messages;
  }

  private keep(part: string): void {
    if (part === "") return;
    this.parts.push(part);
    this.partsLength += part.length;
    if (this.partsLength + this.dataLength > LONGEST_MESSAGE) throw new RangeError("an event is too long");
  }

  private endLine(line: string, messages: Message[]): void {
    if (line === "") return this.endMessage(messages);
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") this.type = value;
    if (field === "id" && !value.includes("\0")) this.lastEventId = value;
    if (field === "data") {
      this.data.push(value);
      this.dataLength += value.length;
    }
  }

  private endMessage(messages: Message[]): void {
    if (this.data.length > 0) {
      const type = this.type || "message";
      messages.push({ type, lastEventId: this.lastEventId, data: this.data.join("\n") });
    }
    this.type = "";
    this.data = [];
    this.dataLength = 0;
  }
}
