// A server that answers as a test says.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

/** Starts a server; `answer` gets each request with its number and its body, and its response. */
export async function startFake(answer, upgrade) {
  const requests = [];
  const server = createServer(async (request, response) => {
    let body = "";
    try {
      for await (const piece of request) body += piece;
    } catch {
      return;
    }
    requests.push({ method: request.method, url: request.url, headers: request.headers, body });
    await answer(request, response, requests.length, body);
  });
  if (upgrade) server.on("upgrade", (request, socket) => upgrade(request, accept(request, socket)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    baseUrl: `http://127.0.0.1:${server.address().port}`,
    requests,
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Answers with JSON. */
export function json(response, status, body, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** Answers with a problem document. */
export function problem(response, status, code, headers = {}, members = {}) {
  response.writeHead(status, { "content-type": "application/problem+json", ...headers });
  const title = `This is ${code}`;
  const request_id = "7e57";
  const type = `urn:runbay:problem:${code}`;
  response.end(JSON.stringify({ type, title, status, code, error: title, details: [], errors: [], request_id, ...members }));
}

/** Returns an event as it stands in a stream. */
export function sse({ type, id, ...members }) {
  return `event: ${type}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(members)}\n\n`;
}

// The server's side of RFC 6455, for frames that are not fragmented.
function accept(request, socket) {
  const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const proof = createHash("sha1").update(request.headers["sec-websocket-key"] + guid).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${proof}\r\n\r\n`,
  );
  let buffer = Buffer.alloc(0);
  const peer = {
    received: [],
    onframe: () => {},
    send: (value) => write(socket, 0x1, Buffer.from(typeof value === "string" ? value : JSON.stringify(value))),
    close(code) {
      const payload = Buffer.alloc(2);
      payload.writeUInt16BE(code);
      write(socket, 0x8, payload);
      socket.end();
    },
    break: () => socket.destroy(),
  };
  socket.on("error", () => {});
  socket.on("data", (piece) => {
    buffer = Buffer.concat([buffer, piece]);
    for (let frame = read(buffer); frame; frame = read(buffer)) {
      buffer = buffer.subarray(frame.length);
      if (frame.opcode === 0x8) socket.end();
      if (frame.opcode !== 0x1) continue;
      const value = JSON.parse(frame.payload.toString());
      peer.received.push(value);
      peer.onframe(value);
    }
  });
  return peer;
}

function write(socket, opcode, payload) {
  if (socket.destroyed) return;
  const size = payload.length;
  const head = size < 126 ? Buffer.from([0x80 | opcode, size]) : Buffer.from([0x80 | opcode, 126, size >> 8, size & 255]);
  socket.write(Buffer.concat([head, payload]));
}

function read(buffer) {
  if (buffer.length < 2) return undefined;
  let size = buffer[1] & 0x7f;
  let start = 2;
  if (size === 126) {
    if (buffer.length < 4) return undefined;
    size = buffer.readUInt16BE(2);
    start = 4;
  }
  const length = start + 4 + size;
  if (buffer.length < length) return undefined;
  const mask = buffer.subarray(start, start + 4);
  const payload = Buffer.from(buffer.subarray(start + 4, length)).map((byte, at) => byte ^ mask[at % 4]);
  return { opcode: buffer[0] & 0x0f, payload, length };
}
