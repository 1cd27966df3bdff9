import { describe, expect, it } from "vitest";

import { ago, bytes, clock, counted, span } from "./format";

describe("numbers as people read them", () => {
  it("tells times", () => {
    expect([clock(75), clock(3700), clock(0)]).toEqual(["1:15", "1:01:40", "0:00"]);
    expect([span(0.42), span(3.2), span(75), span(null)]).toEqual(["420 ms", "3.2 s", "1 min 15 s", "–"]);
    expect([span(0.9997), span(59.7), span(119.7), span(3599.8)]).toEqual([
      "1.0 s",
      "1 min 0 s",
      "2 min 0 s",
      "1 h 0 min",
    ]);
    expect([ago(1000, 1030), ago(1000, 1180), ago(0, 86400)]).toEqual([
      "just now",
      "3 minutes ago",
      "yesterday",
    ]);
  });

  it("tells amounts", () => {
    expect([bytes(999), bytes(1_260_000)]).toEqual(["999 B", "1.3 MB"]);
    expect([counted(1, "call"), counted(2000, "call")]).toEqual(["1 call", "2,000 calls"]);
  });
});
