import { describe, expect, it } from "vitest";

import { headerLines, readHeaders } from "./headers";

describe("headers as lines", () => {
  it("come back as they were", () => {
    const headers = {
      "X-Tenant": "a: b",
      Authorization: { secret_id: "sec_1" },
      "X-Env": "{{system__env_key}}",
    };
    expect(readHeaders(headerLines(headers))).toEqual({ headers, problem: null });
    expect(headerLines(null)).toBe("");
  });

  it("say which line is none", () => {
    expect(readHeaders("no colon").problem).toContain("no colon");
    expect(readHeaders('X: {"secret_id"').problem).toContain("X");
  });
});
