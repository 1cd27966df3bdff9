import { describe, expect, it } from "vitest";

import { above, found, jsonLines, valueAt } from "./json";

const VALUE = { a: 1, list: [{ "x/y": "words" }, []], none: null };

describe("JSON as lines", () => {
  it("shows what is open and counts what is folded", () => {
    const told = jsonLines(VALUE, (path) => path === "/list").map(
      ({ depth, key, text }) => `${depth} ${key ?? "-"} ${text}`,
    );
    expect(told).toEqual(["0 - {", "1 a 1", "1 list [ … ]", "1 none null", "0 - }"]);
    expect(jsonLines(VALUE, () => false)).toHaveLength(10);
  });

  it("finds words in keys and values, and leads to them", () => {
    expect(found(VALUE, "WORD")).toEqual(["/list/0/x~1y"]);
    expect(found(VALUE, "list")).toEqual(["/list"]);
    expect(found(VALUE, " ")).toEqual([]);
    expect(above("/list/0")).toEqual(["", "/list", "/list/0"]);
    expect([valueAt(VALUE, "/list/0/x~1y"), valueAt(VALUE, ""), valueAt(VALUE, "/a/b")]).toEqual([
      "words",
      VALUE,
      undefined,
    ]);
  });
});
