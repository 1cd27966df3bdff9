// A raw `ws` client, driven by lines of JSON: {"command": "open", "url", "protocols"}, {"command": "send", "text"},
// {"command": "close", "code", "reason"}. What comes goes to standard output.
import { createInterface } from "node:readline";
import { WebSocket } from "ws";

const tell = (kind, value) => process.stdout.write(`${JSON.stringify({ kind, value: value ?? null })}\n`);

let socket = null;

const commands = {
  open: ({ url, protocols, options }) => {
    socket = new WebSocket(url, protocols ?? [], options ?? {});
    socket.on("open", () => tell("open", { protocol: socket.protocol, extensions: socket.extensions }));
    socket.on("message", (data, isBinary) => tell(isBinary ? "binary" : "frame", data.toString()));
    socket.on("close", (code, reason) => tell("close", { code, reason: reason.toString() }));
    socket.on("error", error => tell("error", error.message));
  },
  send: ({ text }) => socket.send(text),
  close: ({ code, reason }) => socket.close(code, reason),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...values } = JSON.parse(line);
  commands[command](values);
}
process.exit(0); // whatever is still open
