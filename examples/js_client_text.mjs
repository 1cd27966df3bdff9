// A text conversation with the official JavaScript client. Needs `npm install @elevenlabs/client ws`.
import { WebSocket } from "ws";

// Only for Node before version 22: a browser has a WebSocket. The option makes `ws` deliver as a browser does, one
// message at a time; without it the client misses a greeting that comes together with the message before it.
globalThis.WebSocket ??= class extends WebSocket {
  constructor(address, protocols) {
    super(address, protocols, { allowSynchronousEvents: false });
  }
};
const { Conversation } = await import("@elevenlabs/client");

const url = process.argv[2] ?? process.env.PAROLA_URL ?? "http://127.0.0.1:8400";
const toSay = ["When are you open?", "What does a pizza cost?", "Goodbye!"];

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

setTimeout(() => fail("The conversation took more than fifteen seconds."), 15_000).unref();

const conversation = await Conversation.startSession({
  agentId: "agent_demo",
  origin: url.replace(/^http/, "ws"), // ws://… or wss://…, without a slash at the end
  connectionType: "websocket", // with a voice the client would choose WebRTC by itself
  textOnly: true,
  dynamicVariables: { user_name: "Ada" },
  onMessage: ({ role, message }) => {
    if (role !== "agent") return;
    console.log("agent:", message);
    setImmediate(say); // the greeting may come before `startSession` has returned
  },
  onDisconnect: ({ reason, message }) => {
    console.log("disconnected by:", reason);
    if (reason !== "agent" || toSay.length > 0) fail(`The conversation ended too early: ${message ?? reason}`);
    process.exit(0);
  },
}).catch(error => fail(`No conversation with ${url}: ${error.message} Is the server running?`));
console.log("conversation:", conversation.getId());

function say() {
  const text = toSay.shift();
  if (text === undefined) return; // the agent hangs up after "Goodbye!"
  console.log("user:", text);
  conversation.sendUserMessage(text);
}
