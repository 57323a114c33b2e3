// Reads a stream of server-sent events (HTML standard, section 9.2.6), however it is cut into pieces.
/** So many characters may belong to one message; results with all output escaped stay below. */
const LONGEST_MESSAGE = 256 * 1024 * 1024;
export class MessageParser {
    decoder = new TextDecoder();
    parts = [];
    partsLength = 0;
    afterCarriageReturn = false;
    type = "";
    data = [];
    dataLength = 0;
    lastEventId;
    /** Takes the next piece and returns the messages that it completes. */
    feed(piece) {
        const messages = [];
        let text = this.decoder.decode(piece, { stream: true });
        // The line feed of a pair that was cut in two.
        if (this.afterCarriageReturn && text !== "") {
            if (text.startsWith("\n"))
                text = text.slice(1);
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
    keep(part) {
        if (part === "")
            return;
        this.parts.push(part);
        this.partsLength += part.length;
        if (this.partsLength + this.dataLength > LONGEST_MESSAGE)
            throw new RangeError("an event is too long");
    }
    endLine(line, messages) {
        if (line === "")
            return this.endMessage(messages);
        const colon = line.indexOf(":");
        if (colon === 0)
            return;
        const field = colon < 0 ? line : line.slice(0, colon);
        let value = colon < 0 ? "" : line.slice(colon + 1);
        if (value.startsWith(" "))
            value = value.slice(1);
        if (field === "event")
            this.type = value;
        if (field === "id" && !value.includes("\0"))
            this.lastEventId = value;
        if (field === "data") {
            this.data.push(value);
            this.dataLength += value.length;
        }
    }
    endMessage(messages) {
        if (this.data.length > 0) {
            const type = this.type || "message";
            messages.push({ type, lastEventId: this.lastEventId, data: this.data.join("\n") });
        }
        this.type = "";
        this.data = [];
        this.dataLength = 0;
    }
}
