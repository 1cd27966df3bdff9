/** Receivers to copy; the Python one is that of the documentation. */

export const PYTHON = `import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from elevenlabs import ElevenLabs

client = ElevenLabs(api_key="not needed for this")


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signature = self.headers["ElevenLabs-Signature"]
        event = client.webhooks.construct_event(body.decode(), signature, os.environ["WEBHOOK_SECRET"])
        print(event["type"], event["data"]["conversation_id"], flush=True)
        self.send_response(200)
        self.end_headers()


HTTPServer(("127.0.0.1", 8500), Receiver).serve_forever()
`;

export const NODE = `import { ElevenLabsClient } from "@elevenlabs/elevenlabs-js";
import { createServer } from "node:http";

const client = new ElevenLabsClient({ apiKey: "not needed for this" });

createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces).toString();
  const signature = request.headers["elevenlabs-signature"];
  try {
    const event = await client.webhooks.constructEvent(body, signature, process.env.WEBHOOK_SECRET);
    console.log(event.type, event.data.conversation_id);
    response.writeHead(200).end();
  } catch {
    response.writeHead(401).end("The signature is wrong");
  }
}).listen(8500, "127.0.0.1");
`;

export const BY_HAND = `import hashlib
import hmac
import time


def is_genuine(secret: str, signature: str, body: bytes) -> bool:
    parts = dict(part.split("=", 1) for part in signature.split(","))
    if abs(time.time() - int(parts["t"])) > 30 * 60:
        return False
    expected = hmac.new(secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts["v0"])
`;
