import { describe, expect, it } from "vitest";

import { SseReader } from "./sse";
import { updated } from "./updated";

describe("a stream of events", () => {
  it("is read however it is cut into pieces", () => {
    const text = 'event: live\ndata: {"a":\ndata: 1}\n\n: heartbeat\n\nevent: live\r\ndata: {}\r\n\r\n';
    for (const size of [1, 2, 7, text.length]) {
      const reader = new SseReader();
      const events = [];
      for (let at = 0; at < text.length; at += size) events.push(...reader.read(text.slice(at, at + size)));
      expect(events).toEqual([
        { name: "live", data: '{"a":\n1}' },
        { name: "live", data: "{}" },
      ]);
    }
  });
});

describe("a list that came again", () => {
  const one = (id: string, text: string) => ({ conversation_id: id, last_message: { text }, turns: 1 });

  it("keeps the objects that have not changed", () => {
    const before = [one("a", "hello"), one("b", "hello")];
    const after = updated(before, [one("a", "hello"), one("b", "good bye")]);
    expect(after[0]).toBe(before[0]);
    expect(after[1]).toEqual(one("b", "good bye"));
  });

  it("is the same list when nothing has changed, another when something is gone", () => {
    const before = [one("a", "hello"), one("b", "hello")];
    expect(updated(before, [one("a", "hello"), one("b", "hello")])).toBe(before);
    expect(updated(before, [one("b", "hello")])).toEqual([before[1]]);
  });
});
