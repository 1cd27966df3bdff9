import { expect, it } from "vitest";

import { narrowed } from "./names";

const row = (asked: string, used: string) => ({ kind: "Language model", asked, used, warning: null });

it("finds the pattern that a name would meet", () => {
  const all = [row("gpt-4o", "small"), row("gpt-*", "default"), row("claude-*", "openai: qwen3:32b")];
  expect(narrowed(all, "gpt-5").map((one) => one.asked)).toEqual(["gpt-*"]);
  expect(narrowed(all, "QWEN").map((one) => one.asked)).toEqual(["claude-*"]);
  expect(narrowed(all, " ")).toEqual(all);
});
