import { describe, expect, it } from "vitest";

import { countFilters, exportCommand, NONE, readFilters, toQuery, writeFilters } from "./filters";

describe("filters of the list", () => {
  it("are shared by the address", () => {
    const filters = { ...NONE, q: "a table", status: "failed", min: "30" };
    expect(writeFilters(filters).toString()).toBe("q=a+table&status=failed&min=30");
    expect(readFilters(writeFilters(filters))).toEqual(filters);
    expect(countFilters(filters)).toBe(2);
  });

  it("become what the server understands", () => {
    const query = toQuery({
      ...NONE,
      status: "done",
      kind: "voice",
      rating: "low",
      from: "2026-11-20",
      to: "2026-11-20",
    });
    expect(query).toMatchObject({
      exclude_statuses: ["initiated", "in-progress", "processing", "failed"],
      text_only: false,
      rating_min: 1,
      rating_max: 2,
    });
    expect(Number(query["call_start_before_unix"]) - Number(query["call_start_after_unix"])).toBe(86400);
    expect(toQuery({ ...NONE, from: "soon", min: "x" })["call_start_after_unix"]).toBeUndefined();
  });

  it("become a command", () => {
    expect(exportCommand({ agent_id: "a", search: "it's", text_only: undefined })).toBe(
      "parola conversations export --filter agent_id=a --filter 'search=it'\\''s' --out conversations.ndjson",
    );
  });
});
