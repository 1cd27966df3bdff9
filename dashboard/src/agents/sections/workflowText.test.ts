import { expect, it } from "vitest";

import { stepsOf } from "./workflowText";

it("a workflow is told from its start on, with ways out, ways back and what cannot be reached", () => {
  const steps = stepsOf({
    nodes: {
      lost: { type: "end", outcome: "failure" },
      bill: { type: "override_agent", label: "Billing", additional_prompt: "Bills." },
      start: { type: "start", edge_order: ["b", "a"] },
    },
    edges: {
      a: { source: "start", target: "nowhere" },
      b: {
        source: "start",
        target: "bill",
        forward_condition: { type: "llm", condition: "about a bill" },
        backward_condition: { type: "result", successful: false },
      },
    },
  });
  expect(steps.map(({ id, isLost }) => [id, isLost])).toEqual([
    ["start", false],
    ["bill", false],
    ["lost", true],
  ]);
  expect(steps[0]?.ways.map(({ when, to }) => [when, to])).toEqual([
    ["about a bill", "Billing"],
    ["always", "nowhere (missing)"],
  ]);
  expect(steps[1]?.ways).toEqual([{ id: "b", when: "it failed", to: "Start", isBack: true }]);
  expect(stepsOf({})).toEqual([]);
});
