// Verifies webhooks with the official Node SDK. Each line of standard input is {"body", "signature", "secret"}; each
// line of standard output is the event, or what was wrong.
import { createInterface } from "node:readline";
import { ElevenLabsClient } from "@elevenlabs/elevenlabs-js";

const client = new ElevenLabsClient({ apiKey: "any" });

for await (const line of createInterface({ input: process.stdin })) {
  const { body, signature, secret } = JSON.parse(line);
  try {
    const event = await client.webhooks.constructEvent(body, signature, secret);
    process.stdout.write(`${JSON.stringify({ event })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: error.message })}\n`);
  }
}
