import { describe, expect, it } from "vitest";

import { inWords, presetOf } from "./scopes";

describe("what a key may do", () => {
  it("finds the preset whatever the order", () => {
    expect(presetOf(null)).toBe("everything");
    expect(presetOf(["conversations:read", "agents:read"])).toBe("reader");
    expect(presetOf(["agents:read"])).toBe("custom");
    expect(presetOf([])).toBe("custom");
  });

  it("names the first rights and counts the others", () => {
    expect(inWords(null).shown).toEqual(["Everything"]);
    expect(inWords(["agents:read", "admin"]).shown).toEqual(["Everything"]);
    expect(inWords(["agents:read", "monitor", "inject", "audit"]).more).toEqual([]);
    expect(inWords(["agents:read", "monitor", "inject", "audit", "keys"])).toEqual({
      shown: ["See agents", "Watch live calls", "Act in live calls"],
      more: ["Audit log", "API keys"],
    });
  });
});
