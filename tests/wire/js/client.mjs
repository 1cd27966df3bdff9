// The official JavaScript client, driven by lines of JSON: commands come on standard input, callbacks go to standard
// output. The first line is what `startSession` is given, beside `tools`: the client tools by name, as
// {"returns": any} or {"throws": text}.
import { createInterface } from "node:readline";
import { WebSocket } from "ws";

// Node 20 has no WebSocket of its own. As in a browser, every message is a task of its own: the client misses what
// comes in one tick with the metadata.
globalThis.WebSocket ??= class extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, { allowSynchronousEvents: false });
  }
};
const { Conversation, postOverallFeedback } = await import("@elevenlabs/client");

const tell = (kind, value) => process.stdout.write(`${JSON.stringify({ kind, value: value ?? null })}\n`);

const CALLBACKS = {
  onConnect: "connect",
  onDisconnect: "disconnect",
  onMessage: "message",
  onError: "error",
  onStatusChange: "status",
  onCanSendFeedbackChange: "can_send_feedback",
  onAgentChatResponsePart: "part",
  onAgentResponseCorrection: "correction",
  onInterruption: "interruption",
  onAgentToolRequest: "tool_request",
  onAgentToolResponse: "tool_response",
  onConversationMetadata: "metadata",
  onPing: "ping",
  onContextUsage: "context_usage",
  onAgentTyping: "typing",
  onExternalAgentConnected: "person_connected",
  onExternalAgentDisconnected: "person_disconnected",
  onDebug: "debug",
};

function clientTools(tools) {
  const handlers = {};
  for (const [name, tool] of Object.entries(tools ?? {})) {
    handlers[name] = async parameters => {
      tell("tool", { name, parameters });
      if (tool.throws !== undefined) throw new Error(tool.throws);
      return tool.returns;
    };
  }
  return handlers;
}

let conversation = null;

async function start({ tools, ...options }) {
  const callbacks = {};
  for (const [name, kind] of Object.entries(CALLBACKS)) callbacks[name] = value => tell(kind, value);
  try {
    conversation = await Conversation.startSession({ ...options, ...callbacks, clientTools: clientTools(tools) });
    tell("started", { id: conversation.getId() });
  } catch (error) {
    tell("refused", { message: error.message, closeCode: error.closeCode, closeReason: error.closeReason });
  }
}

const commands = {
  start,
  say: ({ text }) => conversation.sendUserMessage(text),
  context: ({ text, contextId }) => conversation.sendContextualUpdate(text, contextId ? { contextId } : undefined),
  activity: () => conversation.sendUserActivity(),
  feedback: ({ like, eventId }) => conversation.sendFeedback(like, eventId),
  rate: async ({ rating, origin }) => {
    const answer = await postOverallFeedback(conversation.getId(), rating, origin);
    tell("rated", answer.status);
  },
  upload: async ({ text, name, type }) => {
    const file = new File([text], name, { type });
    tell("uploaded", await conversation.uploadFile(file));
  },
  share: ({ text, fileIds }) => conversation.sendMultimodalMessage({ text, fileIds }),
  end: async () => {
    await conversation.endSession();
    tell("ended");
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...values } = JSON.parse(line);
  try {
    await commands[command](values);
  } catch (error) {
    tell("failed", { command, message: String(error?.message ?? error) });
  }
}
process.exit(0); // whatever is still open
