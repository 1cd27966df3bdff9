import { describe, expect, it } from "vitest";

import { around, clamped, digitsOf, following, momentText, panned, tickSeconds, zoomed } from "./view";

describe("what is shown of a call", () => {
  it("stays inside the call", () => {
    expect(clamped({ from: -5, to: 5 }, 60)).toEqual({ from: 0, to: 10 });
    expect(clamped({ from: 55, to: 65 }, 60)).toEqual({ from: 50, to: 60 });
    expect(clamped({ from: 0, to: 90 }, 60)).toEqual({ from: 0, to: 60 });
    expect(panned({ from: 50, to: 60 }, 5, 60)).toEqual({ from: 50, to: 60 });
  });

  it("zooms around the moment under the pointer", () => {
    expect(zoomed({ from: 0, to: 40 }, 0.5, 10, 60)).toEqual({ from: 5, to: 25 });
    expect(zoomed({ from: 5, to: 25 }, 100, 10, 60)).toEqual({ from: 0, to: 60 });
    const closest = zoomed({ from: 0, to: 60 }, 0.0001, 30, 60);
    expect(closest.to - closest.from).toBe(0.5);
  });

  it("follows what is played, and does not move before it must", () => {
    expect(following({ from: 0, to: 10 }, 5, 60)).toEqual({ from: 0, to: 10 });
    expect(following({ from: 0, to: 10 }, 10, 60)).toEqual({ from: 9, to: 19 });
    expect(around(10, 12, 60)).toEqual({ from: 9.3, to: 12.7 });
  });

  it("marks round moments", () => {
    expect([tickSeconds({ from: 0, to: 7200 }, 1000), tickSeconds({ from: 0, to: 2 }, 1000)]).toEqual([
      900, 0.25,
    ]);
    expect([
      momentText(75.25, 2),
      momentText(75, digitsOf(1)),
      momentText(3725, 0),
      momentText(1.5, digitsOf(0.5)),
    ]).toEqual(["1:15.25", "1:15", "1:02:05", "0:01.5"]);
  });
});
