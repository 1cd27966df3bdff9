/** What was said and done in a call, told from its frames alone. */

import { type Frame, isFields } from "./frames";

interface Said {
  id: number;
  at: number;
  eventId: number | null;
}

export interface UserTurn extends Said {
  kind: "user";
  text: string;
  isPartial: boolean;
  isTyped: boolean;
  files: number;
}

export interface AgentTurn extends Said {
  kind: "agent";
  text: string;
  /** Still being written. */
  isPartial: boolean;
  /** Whether `agent_response` has given the whole text. */
  isWhole: boolean;
  isInterrupted: boolean;
  /** After an interruption: what the user heard of it. */
  heard: string | null;
  /** When the user's words were complete that this answers; null for what nobody asked for. */
  askedAt: number | null;
  /** When its first sound came, or its text where there is no sound; null while sound is still to come. */
  answeredAt: number | null;
  isByPerson: boolean;
  rating: "like" | "dislike" | null;
}

export type ToolState = "running" | "waiting" | "approval" | "done" | "failed";

export interface ToolCall extends Said {
  kind: "tool";
  callId: string;
  name: string;
  toolType: string;
  parameters: unknown;
  state: ToolState;
  expectsAnswer: boolean;
  result: string | null;
  /** Seconds that an answer may take, where the call says so. */
  timeoutSecs: number | null;
  endedAt: number | null;
}

export interface Note extends Said {
  kind: "note";
  tone: "plain" | "error";
  text: string;
}

export type Item = UserTurn | AgentTurn | ToolCall | Note;

export interface Call {
  conversationId: string | null;
  items: readonly Item[];
  /** The round trip that the server has measured. */
  pingMs: number | null;
  isQueued: boolean;
  isByPerson: boolean;
  isTyping: boolean;
  /** The user has spoken, and nothing has come back yet. */
  isThinking: boolean;
  lastUserAt: number | null;
  /** When the first audio of an event came: it may come before its text. */
  firstAudio: { eventId: number; at: number } | null;
  /** Grows when a turn is over, and with it the record of the conversation. */
  turnsOver: number;
}

export const NO_CALL: Call = {
  conversationId: null,
  items: [],
  pingMs: null,
  isQueued: false,
  isByPerson: false,
  isTyping: false,
  isThinking: false,
  lastUserAt: null,
  firstAudio: null,
  turnsOver: 0,
};

const words = (value: unknown) => (typeof value === "string" ? value : "");

/** The item changed by `change`; found from the end, because what changes is recent. */
function changed<T extends Item>(
  call: Call,
  isMeant: (item: Item) => item is T,
  change: (item: T) => Partial<T>,
): Call | null {
  for (let index = call.items.length - 1; index >= 0; index--) {
    const item = call.items[index];
    if (item && isMeant(item)) {
      const items = [...call.items];
      items[index] = { ...item, ...change(item) };
      return { ...call, items };
    }
  }
  return null;
}

const added = (call: Call, item: Item): Call => ({ ...call, items: [...call.items, item] });

const note = (call: Call, frame: Frame, text: string, tone: Note["tone"] = "plain"): Call =>
  added(call, { kind: "note", id: frame.id, at: frame.at, eventId: frame.eventId, tone, text });

const isUser = (item: Item): item is UserTurn => item.kind === "user";
const isAgent = (item: Item): item is AgentTurn => item.kind === "agent";
const isTool =
  (callId: string) =>
  (item: Item): item is ToolCall =>
    item.kind === "tool" && item.callId === callId;

function agentSays(call: Call, frame: Frame, text: string, isWhole: boolean): Call {
  const isOpen = (item: Item): item is AgentTurn =>
    isAgent(item) && item.eventId === frame.eventId && !item.isWhole;
  const grown = changed(call, isOpen, (item) =>
    isWhole ? { text, isWhole, isPartial: false } : { text: item.text + text },
  );
  if (grown) return { ...grown, isThinking: false, isTyping: false };
  if (
    !isWhole &&
    call.items.some((item) => isAgent(item) && item.eventId === frame.eventId && item.isWhole)
  ) {
    return call;
  }
  return beginsToSay(call, frame, text, isWhole);
}

function beginsToSay(call: Call, frame: Frame, text: string, isWhole: boolean): Call {
  const sound = call.firstAudio;
  const answeredAt = !sound ? frame.at : sound.eventId === frame.eventId ? sound.at : null;
  return {
    ...added(call, {
      kind: "agent",
      id: frame.id,
      at: frame.at,
      eventId: frame.eventId,
      text,
      isPartial: !isWhole,
      isWhole,
      isInterrupted: false,
      heard: null,
      askedAt: call.lastUserAt,
      answeredAt,
      isByPerson: call.isByPerson,
      rating: null,
    }),
    lastUserAt: null,
    isThinking: false,
    isTyping: false,
  };
}

function userSays(call: Call, frame: Frame, turn: Partial<UserTurn>): Call {
  const isOpen = (item: Item): item is UserTurn => isUser(item) && item.isPartial;
  const told = {
    text: "",
    isPartial: false,
    isTyped: false,
    files: 0,
    ...turn,
    id: frame.id,
    at: frame.at,
    eventId: frame.eventId,
  };
  const next =
    (told.isTyped ? null : changed(call, isOpen, ({ id }) => ({ ...told, id }))) ??
    added(call, { ...told, kind: "user" });
  return told.isPartial ? next : { ...next, lastUserAt: frame.at, isThinking: true };
}

function toolStep(call: Call, frame: Frame, event: Record<string, unknown>, step: Partial<ToolCall>): Call {
  const callId = words(event.tool_call_id);
  return (
    changed(call, isTool(callId), () => step) ??
    added(call, {
      kind: "tool",
      id: frame.id,
      at: frame.at,
      eventId: frame.eventId,
      callId,
      name: words(event.tool_name),
      toolType: words(event.tool_type) || "client",
      parameters: null,
      state: "running",
      expectsAnswer: false,
      result: null,
      timeoutSecs: null,
      endedAt: null,
      ...step,
    })
  );
}

function mcpStep(call: Call, frame: Frame, event: Record<string, unknown>): Call {
  const states: Record<string, ToolState> = {
    awaiting_approval: "approval",
    success: "done",
    failure: "failed",
  };
  const state = states[words(event.state)] ?? "running";
  const isOver = state === "done" || state === "failed";
  return toolStep(call, frame, event, {
    toolType: "mcp",
    parameters: event.parameters,
    state,
    timeoutSecs: typeof event.approval_timeout_secs === "number" ? event.approval_timeout_secs : null,
    ...(isOver && { endedAt: frame.at, result: words(event.error_message) || null }),
  });
}

const turnIsOver = (call: Call): Call => ({ ...call, turnsOver: call.turnsOver + 1 });

type Step = (call: Call, frame: Frame, event: Record<string, unknown>) => Call;

const INCOMING: Record<string, Step> = {
  conversation_initiation_metadata: (call, _, event) => ({
    ...call,
    conversationId: words(event.conversation_id) || null,
  }),
  ping: (call, _, event) => ({
    ...call,
    pingMs: typeof event.ping_ms === "number" ? event.ping_ms : call.pingMs,
  }),
  tentative_user_transcript: (call, frame, event) =>
    userSays(call, frame, { text: words(event.user_transcript), isPartial: true }),
  user_transcript: (call, frame, event) =>
    userSays(turnIsOver(call), frame, { text: words(event.user_transcript) }),
  audio: (call, frame) => {
    if (frame.eventId === null || call.firstAudio?.eventId === frame.eventId) return call;
    const isMeant = (item: Item): item is AgentTurn => isAgent(item) && item.eventId === frame.eventId;
    const next = changed(call, isMeant, () => ({ answeredAt: frame.at })) ?? call;
    return { ...next, firstAudio: { eventId: frame.eventId, at: frame.at }, isThinking: false };
  },
  agent_chat_response_part: (call, frame, event) => {
    if (event.type === "start") return beginsToSay(call, frame, "", false);
    if (event.type !== "stop") return agentSays(call, frame, words(event.text), false);
    const isOpen = (item: Item): item is AgentTurn =>
      isAgent(item) && item.eventId === frame.eventId && item.isPartial;
    return changed(call, isOpen, () => ({ isPartial: false })) ?? call;
  },
  agent_response: (call, frame, event) => agentSays(call, frame, words(event.agent_response), true),
  agent_response_correction: (call, _, event) => {
    const original = words(event.original_agent_response);
    const isMeant = (item: Item): item is AgentTurn => isAgent(item) && item.text.trim() === original.trim();
    const isLast = (item: Item): item is AgentTurn => isAgent(item);
    const step = () => ({ heard: words(event.corrected_agent_response), isInterrupted: true });
    return turnIsOver(changed(call, isMeant, step) ?? changed(call, isLast, step) ?? call);
  },
  agent_response_complete: turnIsOver,
  interruption: (call) => changed(call, isAgent, () => ({ isInterrupted: true, isPartial: false })) ?? call,
  agent_tool_request: (call, frame, event) => toolStep(call, frame, event, {}),
  client_tool_call: (call, frame, event) =>
    toolStep(call, frame, event, {
      toolType: "client",
      parameters: event.parameters,
      expectsAnswer: event.expects_response !== false,
      state: event.expects_response === false ? "done" : "waiting",
    }),
  agent_tool_response: (call, frame, event) =>
    toolStep(call, frame, event, { state: event.is_error ? "failed" : "done", endedAt: frame.at }),
  agent_tool_response_full_payload: (call, frame, event) =>
    toolStep(call, frame, event, {
      state: event.is_error ? "failed" : "done",
      endedAt: frame.at,
      result: words(event.full_tool_result),
    }),
  mcp_tool_call: mcpStep,
  dtmf_request: (call, frame, event) => note(call, frame, `The agent presses ${words(event.dtmf_tones)}.`),
  guardrail_triggered: (call, frame) =>
    note(call, frame, "A guardrail stopped what the agent would have said."),
  queue_status: (call, _, event) => ({ ...call, isQueued: event.status === "waiting" }),
  external_agent_connected: (call, frame) => ({
    ...note(call, frame, "A person has taken over."),
    isByPerson: true,
  }),
  external_agent_disconnected: (call, frame) => ({
    ...note(call, frame, "The agent goes on."),
    isByPerson: false,
    isTyping: false,
  }),
  agent_typing: (call, _, event) => ({ ...call, isTyping: event.is_typing === true }),
  error: (call, frame, event) =>
    note(call, frame, words(event.message) || words(event.reason) || "The server reports an error.", "error"),
};

const OUTGOING: Record<string, Step> = {
  user_message: (call, frame, message) =>
    words(message.text) ? userSays(call, frame, { text: words(message.text), isTyped: true }) : call,
  multimodal_message: (call, frame, message) => {
    const text = isFields(message.text) ? words(message.text.text) : words(message.text);
    const files = Array.isArray(message.files) ? message.files.length : Number(Boolean(message.file));
    return userSays(call, frame, { text, files, isTyped: true });
  },
  contextual_update: (call, frame, message) => note(call, frame, `Told the agent: ${words(message.text)}`),
  client_tool_result: (call, frame, message) =>
    changed(call, isTool(words(message.tool_call_id)), (): Partial<ToolCall> => ({
      state: message.is_error ? "failed" : "done",
      endedAt: frame.at,
      result: typeof message.result === "string" ? message.result : JSON.stringify(message.result),
    })) ?? call,
  mcp_tool_approval_result: (call, _, message) =>
    changed(call, isTool(words(message.tool_call_id)), (): Partial<ToolCall> => ({ state: "running" })) ??
    call,
  feedback: (call, _, message) => {
    const isRated = (item: Item): item is AgentTurn => isAgent(item) && item.eventId === message.event_id;
    const rating = message.score === "like" || message.score === "dislike" ? message.score : null;
    return changed(call, isRated, (): Partial<AgentTurn> => ({ rating })) ?? call;
  },
};

/** The payload of a server's message is under a name of its own; that of a client's is the message. */
function payload(message: Record<string, unknown>): Record<string, unknown> {
  for (const value of Object.values(message)) if (isFields(value)) return value;
  return message;
}

/** The call after one more frame. */
export function step(call: Call, frame: Frame): Call {
  if (!isFields(frame.message)) return call;
  if (frame.direction === "in") {
    return INCOMING[frame.type]?.(call, frame, payload(frame.message)) ?? call;
  }
  if (frame.direction === "out") return OUTGOING[frame.type]?.(call, frame, frame.message) ?? call;
  return call;
}

/** Whether the text of the newest reply is here and its sound is not: a voice that is being loaded takes seconds. */
export function isAboutToSpeak({ items, firstAudio }: Call): boolean {
  const last = items.at(-1);
  return (
    last?.kind === "agent" && last.isWhole && !last.isInterrupted && firstAudio?.eventId !== last.eventId
  );
}

/** What of an interrupted reply was heard, and what was not. */
export function heardAndNot(text: string, heard: string): [string, string] {
  const known = heard.replace(/\s*(\.\.\.|…)\s*$/, "");
  return text.startsWith(known) ? [known, text.slice(known.length)] : [heard, ""];
}
