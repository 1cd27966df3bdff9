import { describe, expect, it } from "vitest";

import { at, changedPaths, changesBetween, isSame, merged, sendable, withValue } from "./document";

const AGENT = {
  name: "Front desk",
  x_unknown: { kept: [1, 2] },
  conversation_config: {
    turn: { turn_timeout: 7, x_new: true },
    language_presets: { de: { overrides: {} }, fr: { overrides: {} } },
    agent: { prompt: { llm: "a", backup_llm_config: { preference: "override", order: ["b"] } } },
  },
};

describe("a document", () => {
  it("is read and changed by path, and never in place", () => {
    const changed = withValue(AGENT, "conversation_config.turn.turn_timeout", 3);
    expect(at(changed, "conversation_config.turn")).toEqual({ turn_timeout: 3, x_new: true });
    expect(at(AGENT, "conversation_config.turn.turn_timeout")).toBe(7);
    expect(at(withValue({}, "a.b.c", null), "a")).toEqual({ b: { c: null } });
    expect(withValue({ a: 1, b: 2 }, "a", undefined)).toEqual({ b: 2 });
    expect(at(AGENT, "x_unknown.kept.1")).toBe(2);
    expect(at(AGENT, "nothing.here")).toBeUndefined();
  });

  it("is the same whatever the order of its keys", () => {
    expect(isSame({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 })).toBe(true);
    expect(isSame({ a: undefined as never }, { b: 1 })).toBe(false);
    expect(isSame([1, 2], [2, 1])).toBe(false);
  });
});

describe("a save", () => {
  it("takes a change back whose key has dots", () => {
    const old = { platform_settings: { evaluation: { "asked.for.name": true } } };
    const next = withValue(old, ["platform_settings", "evaluation", "asked.for.name"], false);
    const [path = []] = changedPaths(old, next);
    expect(path).toEqual(["platform_settings", "evaluation", "asked.for.name"]);
    expect(withValue(next, path, at(old, path))).toEqual(old);
  });

  it("sends what changed and nothing else", () => {
    const next = withValue(AGENT, "conversation_config.turn.turn_timeout", 3);
    expect(changesBetween(AGENT, next)).toEqual({ conversation_config: { turn: { turn_timeout: 3 } } });
    expect(changedPaths(AGENT, next)).toEqual([["conversation_config", "turn", "turn_timeout"]]);
    expect(changesBetween(AGENT, AGENT)).toEqual({});
  });

  it("sends free maps and objects of another kind as a whole, so that what was taken out goes", () => {
    const fewer = withValue(AGENT, "conversation_config.language_presets", { de: { overrides: {} } });
    expect(changesBetween(AGENT, fewer)).toEqual({
      conversation_config: { language_presets: { de: { overrides: {} } } },
    });
    const other = withValue(AGENT, "conversation_config.agent.prompt.backup_llm_config", {
      preference: "disabled",
    });
    expect(at(changesBetween(AGENT, other), "conversation_config.agent.prompt.backup_llm_config")).toEqual({
      preference: "disabled",
    });
  });

  it("clears what is gone, and gives back the draft when it is merged", () => {
    const gone = withValue(AGENT, "conversation_config.turn.turn_timeout", undefined);
    const patch = changesBetween(AGENT, gone);
    expect(patch).toEqual({ conversation_config: { turn: { turn_timeout: null } } });
    const next = withValue(withValue(AGENT, "name", "Desk"), "conversation_config.agent.language", "de");
    expect(merged(AGENT, changesBetween(AGENT, next))).toEqual(next);
  });

  it("empties what is gone from the top, where a null says nothing", () => {
    const old = { tags: ["a"], workflow: { nodes: { n: {} }, edges: {} }, name: "x" };
    expect(sendable(old, { tags: null, workflow: null })).toEqual({
      tags: [],
      workflow: { nodes: null, edges: null },
    });
  });
});
