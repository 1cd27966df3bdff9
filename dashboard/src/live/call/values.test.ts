import { expect, it } from "vitest";

import type { Agent } from "@/api/agents";

import { transfersOf, valueOf } from "./values";

it("reads numbers and yes or no, and leaves everything else as it was typed", () => {
  expect(["4", "-2.5", "true", "007", "+49", "", "four "].map(valueOf)).toEqual([
    4,
    -2.5,
    true,
    "007",
    "+49",
    "",
    "four ",
  ]);
});

it("finds the numbers of the agent's own tool, in both spellings", () => {
  const params = {
    system_tool_type: "transfer_to_number",
    transfers: [
      { phone_number: "+1555", condition: "bills" },
      { transfer_destination: { type: "phone", phone_number: "+1777" }, condition: "" },
    ],
  };
  const agent = {
    conversation_config: {
      agent: { prompt: { built_in_tools: { transfer_to_number: { params }, end_call: null } } },
    },
  } as unknown as Agent;
  expect(transfersOf(agent).map(({ number }) => number)).toEqual(["+1555", "+1777"]);
  expect(transfersOf(undefined)).toEqual([]);
});
