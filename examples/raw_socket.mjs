// A text conversation over a bare WebSocket: all there is to the protocol. Needs `npm install ws`.
import { WebSocket } from "ws";

const url = process.argv[2] ?? process.env.PAROLA_URL ?? "http://127.0.0.1:8400";
const toSay = ["When are you open?", "A table for four, tomorrow at seven, please.", "Goodbye!"];

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

setTimeout(() => fail("The conversation took more than fifteen seconds."), 15_000).unref();

const socket = new WebSocket(`${url.replace(/^http/, "ws")}/v1/convai/conversation?agent_id=agent_demo`);
const send = message => socket.send(JSON.stringify(message));

const handlers = {
  conversation_initiation_metadata: ({ conversation_initiation_metadata_event: event }) =>
    console.log("conversation:", event.conversation_id),
  ping: ({ ping_event: event }) => send({ type: "pong", event_id: event.event_id }),
  agent_response: ({ agent_response_event: event }) => {
    console.log("agent:", event.agent_response);
    const text = toSay.shift();
    if (text === undefined) return; // the agent hangs up after "Goodbye!"
    console.log("user:", text);
    send({ type: "user_message", text });
  },
};

// The client begins. Everything in its first message is optional; without `text_only` the agent would speak.
socket.on("open", () =>
  send({
    type: "conversation_initiation_client_data",
    conversation_config_override: { conversation: { text_only: true } },
    dynamic_variables: { user_name: "Ada" },
  }),
);
socket.on("message", data => {
  const message = JSON.parse(data);
  handlers[message.type]?.(message); // there are more kinds, and there will be new ones: ignore what you do not need
});
socket.on("error", error => fail(`No conversation with ${url}: ${error.message || error.code}. Is the server running?`));
socket.on("close", (code, reason) => {
  console.log(`closed: ${code} ${reason}`);
  if (code !== 1000 || toSay.length > 0) fail(`The conversation ended too early: ${reason || code}.`);
});
