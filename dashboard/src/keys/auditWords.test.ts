import { expect, it } from "vitest";

import { endOfDay, inWords, startOfDay } from "./auditWords";

it("says what was done", () => {
  expect(inWords("x_api_keys_create")).toBe("Created an API key");
  expect(inWords("agents_update")).toBe("Changed an agent");
  expect(inWords("secret_used")).toBe("Used a secret");
  expect(inWords("rag_indexes_compute")).toBe("Rag indexes compute");
});

it("counts whole days", () => {
  expect(startOfDay("")).toBeNull();
  expect((endOfDay("2026-05-02") ?? 0) - (startOfDay("2026-05-02") ?? 0)).toBeCloseTo(86_400, 1);
});
