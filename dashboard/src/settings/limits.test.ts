import { expect, it } from "vitest";

import { grouped, narrowed } from "./limits";

const GROUPS = grouped({
  ping_secs: 10,
  tools: { connect_secs: 0.5, read_bytes: 1048576, retry_pauses_secs: [30, 120] },
  tool_response_timeout_secs: { client: { minimum: 1, maximum: 120 }, default: 20 },
  limits: { requests_per_key: 6000, starts_per_agent: null, count_loopback: false },
  webhooks: { give_up_secs: 259200 },
});

it("tells limits with their units, what the owner sets first", () => {
  expect(GROUPS.map((group) => group.name)).toEqual([
    "Rates and shares",
    "Tools",
    "Time for tools to answer",
    "Webhooks",
    "Further",
  ]);
  expect(GROUPS.flatMap((group) => group.rows.map((row) => row.value))).toEqual([
    "6,000",
    "no limit",
    "no",
    "500 ms",
    "1.0 MB",
    "30 s, 2 min",
    "minimum 1 s, maximum 2 min",
    "20 s",
    "3 d",
    "10 s",
  ]);
  expect(narrowed(GROUPS, "pauses")).toEqual([
    { name: "Tools", rows: [{ name: "Retry pauses", value: "30 s, 2 min" }] },
  ]);
});
