import { expect, it } from "vitest";

import { answeredBy, hasNoModel } from "./answeredBy";

const MODELS = {
  default: "default",
  providers: [
    { name: "default", kind: "openai", model: "qwen3:8b", is_default: true },
    { name: "large", kind: "openai", model: "large-1", is_default: false },
  ],
  mapping: [
    { asked: "gpt-4o", used: "large", model: "large-1", warning: null },
    { asked: "gpt-*", used: "default", model: "qwen3:8b", warning: null },
  ],
};

it("a name leads to a model as on the server: entries, names, patterns, the default", () => {
  const who = (llm: string) => answeredBy(llm, MODELS).who;
  expect(who("large")).toBe("large/large-1");
  expect(who("large/other")).toBe("large/other");
  expect(who("gpt-4o")).toBe("large/large-1");
  expect(who("gpt-5-mini")).toBe("default/qwen3:8b");
  expect(answeredBy("qwen3:8b", MODELS).isStandIn).toBe(false);
  expect(answeredBy("claude-x", MODELS)).toMatchObject({ who: "default/qwen3:8b", isStandIn: true });
});

it("a server with nothing but scripts has no model", () => {
  const script = { name: "default", kind: "scripted", model: null, is_default: true };
  expect(hasNoModel(MODELS)).toBe(false);
  expect(hasNoModel({ ...MODELS, providers: [script] })).toBe(true);
  expect(hasNoModel({ ...MODELS, providers: [script, ...MODELS.providers] })).toBe(false);
});
