import { describe, expect, it } from "vitest";

import type { CallEvent } from "@/api/conversations";

import { type Feed, NO_FEED, step } from "./feed";

type Told = [CallEvent["direction"], string, Record<string, unknown> & { type: string }];

const told = (...events: Told[]): Feed =>
  events.reduce(
    (feed, [direction, by, event], index) =>
      step(feed, { seq: index + 1, at: 100 + index, direction, by, event }),
    NO_FEED,
  );

const says = (text: string, id: number): Told => [
  "to_client",
  "agent",
  { type: "agent_response", agent_response_event: { agent_response: text, event_id: id } },
];

const result = (seq: number, about: Record<string, unknown>): Told => [
  "internal",
  "Ann",
  { type: "x_command_result", x_command_result_event: { command_seq: seq, ok: true, ...about } },
];

const texts = (feed: Feed) => feed.call.items.map((item) => ("text" in item ? item.text : item.name));

describe("what those see who look on", () => {
  it("tells who brought words in, and who speaks for the agent", () => {
    const feed = told(
      [
        "command",
        "Ann",
        { type: "x_agent_message", x_agent_message_event: { text: "We close.", operator: "" } },
      ],
      result(1, { type: "agent_message", event_id: 4 }),
      says("We close.", 4),
      ["command", "Ann", { type: "x_takeover_begin", x_takeover_begin_event: { operator: "" } }],
      ["to_client", "agent", { type: "external_agent_connected" }],
      result(4, { type: "takeover_begin" }),
      says("This is Ann.", 6),
    );
    expect(feed.holder).toBe("Ann");
    expect([...feed.injected]).toEqual([
      [4, { by: "Ann", kind: "agent_message" }],
      [6, { by: "Ann", kind: "voice" }],
    ]);
    expect(texts(feed)).toEqual(["We close.", "Ann took over.", "This is Ann."]);
  });

  it("tells nothing of what was refused", () => {
    const feed = told(
      ["command", "Bob", { type: "x_takeover_begin", x_takeover_begin_event: { operator: "Bob" } }],
      result(1, { ok: false, code: "taken_over" }),
    );
    expect([feed.holder, texts(feed)]).toEqual([null, []]);
  });

  it("knows the variables, and why it ended", () => {
    const feed = told(
      [
        "from_client",
        "client",
        { type: "conversation_initiation_client_data", dynamic_variables: { name: "Eve" } },
      ],
      ["command", "Ann", { type: "x_variables", x_variables_event: { values: { guests: 4 } } }],
      result(2, { type: "variables" }),
      ["internal", "server", { type: "x_conversation_ended", x_conversation_ended_event: { reason: "Bye" } }],
    );
    expect(feed.variables).toEqual({ name: "Eve", guests: 4 });
    expect(feed.ending).toBe("Bye");
    expect(texts(feed)).toEqual(["Ann set guests to 4."]);
  });
});
