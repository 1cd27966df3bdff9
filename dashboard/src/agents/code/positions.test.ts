import { expect, it } from "vitest";

import { placeOf } from "./positions";

const TEXT = JSON.stringify(
  { name: "x", agent: { tools: [{ url: "a" }, { url: "b" }], name: "y" } },
  null,
  2,
);

const there = (path: string) => {
  const { from, to } = placeOf(TEXT, path);
  return [TEXT.slice(0, from).split("\n").length, TEXT.slice(from, to)];
};

it("a finding is shown at its own line, or at the nearest part that is there", () => {
  expect(there("agent.name")).toEqual([12, '"name"']);
  expect(there("agent.tools.1.url")).toEqual([9, '"url"']);
  expect(there("agent.prompt.llm")).toEqual([3, '"agent"']);
  expect(there("")).toEqual([1, "{"]);
  expect(placeOf("", "a")).toEqual({ from: 0, to: 0 });
});
