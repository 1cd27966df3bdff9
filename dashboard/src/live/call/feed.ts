/** A call as those see it who look on: what was said and done, by whom, told from its events alone. */

import type { Json, JsonObject } from "@/api/agents";
import type { CallEvent } from "@/api/conversations";
import { type Frame, isFields } from "@/talk/frames";
import { type Call, type Item, NO_CALL, step as stepOfCall } from "@/talk/transcript";

/** Words that came from outside: who brought them in, and how. */
export interface Injected {
  by: string;
  kind: "user_message" | "agent_message" | "human_message" | "voice";
}

interface Command {
  kind: string;
  by: string;
  about: Record<string, unknown>;
}

export interface Feed {
  call: Call;
  /** When the first event happened, in seconds since 1970. */
  startedAt: number | null;
  injected: ReadonlyMap<number, Injected>;
  commands: ReadonlyMap<number, Command>;
  variables: JsonObject;
  /** Who has taken over; "" is somebody without a name. */
  holder: string | null;
  waiting: { since: number; reason: string } | null;
  /** Why it ended. */
  ending: string | null;
  /** Events that are not kept any more. */
  dropped: number;
}

export const NO_FEED: Feed = {
  call: NO_CALL,
  startedAt: null,
  injected: new Map(),
  commands: new Map(),
  variables: {},
  holder: null,
  waiting: null,
  ending: null,
  dropped: 0,
};

const words = (value: unknown) => (typeof value === "string" ? value : "");
const named = (name: string) => name || "Somebody";

/** The payload of one of our own events is under its type. */
const aboutOf = (event: CallEvent["event"]): Record<string, unknown> => {
  const about = event[`${event.type}_event`] ?? event[event.type];
  return isFields(about) ? about : {};
};

function eventIdOf(event: CallEvent["event"]): number | null {
  for (const value of Object.values(event)) {
    if (isFields(value) && typeof value.event_id === "number") return value.event_id;
  }
  return null;
}

const with_ = <V>(map: ReadonlyMap<number, V>, key: number, value: V) => new Map(map).set(key, value);

function noted(feed: Feed, { seq, at }: CallEvent, text: string, tone: "plain" | "error" = "plain"): Feed {
  const item: Item = {
    kind: "note",
    id: seq,
    at: at - (feed.startedAt ?? at),
    eventId: null,
    tone,
    text,
  };
  return { ...feed, call: { ...feed.call, items: [...feed.call.items, item] } };
}

/** What the server answered to a command: what it did, if it did. */
function resultOf(feed: Feed, one: CallEvent): Feed {
  const about = aboutOf(one.event);
  const seq = Number(about.command_seq);
  const command = feed.commands.get(seq);
  if (!command || about.ok !== true) return feed;
  const { kind, by } = command;
  const eventId = typeof about.event_id === "number" ? about.event_id : null;
  if (kind === "user_message" || kind === "agent_message" || kind === "human_message") {
    const whose = words(command.about.operator) || by;
    return eventId === null
      ? feed
      : { ...feed, injected: with_(feed.injected, eventId, { by: whose, kind }) };
  }
  const who = named(words(command.about.operator) || by);
  switch (kind) {
    case "contextual_update":
      return noted(feed, one, `${who} told the agent: “${words(command.about.text)}”`);
    case "variables": {
      const values = isFields(command.about.values) ? (command.about.values as JsonObject) : {};
      const told = Object.entries(values).map(([name, value]) => `${name} to ${shown(value)}`);
      return {
        ...noted(feed, one, `${who} set ${told.join(", ")}.`),
        variables: { ...feed.variables, ...values },
      };
    }
    case "takeover_begin":
      return { ...noted(feed, one, `${who} took over.`), holder: words(command.about.operator) || by };
    case "takeover_end": {
      const from = words(about.forced_from);
      const text = from ? `${who} took it away from ${from}.` : `${who} gave it back to the agent.`;
      return { ...noted(feed, one, text), holder: null };
    }
    case "tool_result":
      return noted(feed, one, `${who} answered the tool.`);
    case "transfer_to_number":
      return noted(feed, one, `${who} asked for a transfer to ${words(command.about.number)}.`);
    case "end":
      return noted(feed, one, `${who} ended the conversation.`);
    default:
      return feed;
  }
}

const shown = (value: Json | undefined) => (typeof value === "string" ? `“${value}”` : JSON.stringify(value));

type Step = (feed: Feed, one: CallEvent, about: Record<string, unknown>) => Feed;

/** What only those see who look on. */
const STEPS: Record<string, Step> = {
  conversation_initiation_client_data: (feed, one) => ({
    ...feed,
    variables: isFields(one.event.dynamic_variables) ? (one.event.dynamic_variables as JsonObject) : {},
  }),
  x_command_result: resultOf,
  external_agent_connected: (feed) => ({ ...feed, call: { ...feed.call, isByPerson: true } }),
  external_agent_disconnected: (feed) => ({
    ...feed,
    call: { ...feed.call, isByPerson: false, isTyping: false },
    holder: null,
  }),
  x_operator_left: (feed, one, about) =>
    noted(
      feed,
      one,
      `${named(words(about.operator))} is gone. The agent goes on if they do not come back within ${Number(about.grace_secs) || 30} s.`,
    ),
  x_operator_back: (feed, one, about) => noted(feed, one, `${named(words(about.operator))} is back.`),
  x_takeover_lapsed: (feed, one, about) => ({
    ...noted(feed, one, `${named(words(about.operator))} did not come back: the agent goes on.`),
    holder: null,
  }),
  x_waiting_for_human: (feed, one, about) => ({
    ...noted(feed, one, `A person is asked for. ${words(about.reason)}`.trim()),
    waiting: { since: Number(about.since_unix_secs) || one.at, reason: words(about.reason) },
  }),
  x_waiting_for_human_over: (feed, one, about) => ({
    ...(about.outcome === "timed_out" ? noted(feed, one, "Nobody came: the agent has been told.") : feed),
    waiting: null,
  }),
  x_events_dropped: (feed, _, about) => ({ ...feed, dropped: feed.dropped + (Number(about.count) || 0) }),
  x_conversation_ended: (feed, _, about) => ({ ...feed, ending: words(about.reason) || "It is over." }),
};

/** The call after one more event. */
export function step(before: Feed, one: CallEvent): Feed {
  const feed = before.startedAt === null ? { ...before, startedAt: one.at } : before;
  const { event } = one;
  const own = STEPS[event.type];
  if (own) return own(feed, one, aboutOf(event));
  if (one.direction === "command") {
    if (!event.type.startsWith("x_")) {
      const call = stepOfCall(feed.call, frameOf(feed, one, "out"));
      return call === feed.call ? feed : { ...feed, call };
    }
    const command = { kind: event.type.slice(2), by: one.by, about: aboutOf(event) };
    return { ...feed, commands: with_(feed.commands, one.seq, command) };
  }
  const call = stepOfCall(feed.call, frameOf(feed, one, one.direction === "from_client" ? "out" : "in"));
  const spoken = event.type === "agent_response" ? eventIdOf(event) : null;
  const injected =
    spoken !== null && feed.holder !== null && !feed.injected.has(spoken)
      ? with_(feed.injected, spoken, { by: feed.holder, kind: "voice" as const })
      : feed.injected;
  return call === feed.call && injected === feed.injected ? feed : { ...feed, call, injected };
}

const frameOf = (feed: Feed, one: CallEvent, direction: Frame["direction"]): Frame => ({
  id: one.seq,
  at: one.at - (feed.startedAt ?? one.at),
  direction,
  type: one.event.type,
  eventId: eventIdOf(one.event),
  size: 0,
  audio: null,
  message: one.event,
});
