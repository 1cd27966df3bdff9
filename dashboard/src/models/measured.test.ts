import { describe, expect, it } from "vitest";

import { againstRealTime, tell } from "./measured";

const BASE = { provider: "x", model: null, warning: null, what: "", seconds: 0.2 };

describe("speed in words", () => {
  it("compares with real time", () => {
    expect([0.0158, 0.125, 1, 2.5].map(againstRealTime)).toEqual([
      "63 times faster than real time",
      "8 times faster than real time",
      "as fast as real time",
      "2.5 times slower than real time",
    ]);
  });

  it("says when callers would wait", () => {
    const slow = tell({ ...BASE, kind: "text_to_speech", real_time_factor: 2, first_byte_seconds: 4 });
    expect(slow).toMatchObject({ isFastEnough: false, share: 1 });
    expect(slow.meaning).toContain("Too slow for a call");
    const model = { ...BASE, kind: "language_model" as const };
    expect(tell({ ...model, first_token_seconds: 3, tokens_per_second: 40 }).isFastEnough).toBe(false);
    expect(tell({ ...model, first_token_seconds: 0.3, tokens_per_second: 40 }).headline).toBe(
      "Begins to answer after 300 ms",
    );
    expect(tell({ ...model, provider: "scripted" }).headline).toBe("Answers at once");
  });
});
