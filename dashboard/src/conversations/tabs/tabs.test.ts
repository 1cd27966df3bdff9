import { describe, expect, it } from "vitest";

import type { CallEvent, Turn } from "@/api/conversations";

import { evidence, quotes } from "./evidence";
import { gist, matching, typesOf } from "./events";

const event = (seq: number, type: string, more = {}): CallEvent => ({
  seq,
  at: seq,
  direction: seq % 2 ? "to_client" : "internal",
  by: "agent",
  event: { type, ...more },
});

describe("the event log", () => {
  const events = [
    event(1, "agent_response", { agent_response_event: { agent_response: "Hello", event_id: 1 } }),
    event(2, "note"),
    event(3, "note"),
  ];

  it("is narrowed by words, types and directions", () => {
    const seqs = (filter: Partial<Parameters<typeof matching>[1]>) =>
      matching(events, { words: "", types: [], directions: [], ...filter }).map((one) => one.seq);
    expect([seqs({}), seqs({ words: "hello" }), seqs({ types: ["note"] })]).toEqual([[1, 2, 3], [1], [2, 3]]);
    expect(seqs({ types: ["note"], directions: ["to_client"] })).toEqual([3]);
  });

  it("says what an event is about", () => {
    expect(gist(events[0]?.event ?? { type: "" })).toBe("Hello");
    expect(typesOf(events)[0]).toEqual({ type: "note", count: 2 });
  });
});

describe("evidence of a judgement", () => {
  const turns = [{ message: "Hi." }, { message: "Four people, at seven." }] as Turn[];

  it("is the turn that is quoted", () => {
    expect(evidence('The user said "four people at seven".', turns)).toBe(1);
    expect(evidence("The user said “five people”.", turns)).toBeNull();
    expect(quotes('"abc" and "abcdef"')).toEqual(["abcdef"]);
  });
});
