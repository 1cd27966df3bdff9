import { describe, expect, it } from "vitest";

import { pathNames, readParameters, writeProperties, writeRequired } from "./parameters";

describe("parameters as a table", () => {
  it("come back as they were, with what the table does not show", () => {
    const properties = {
      slot: { type: "string", description: "ISO time", enum: ["a", "b"] },
      shop: { type: "string", dynamic_variable: "shop" },
      guests: { type: "integer", constant_value: 4 },
      call: { type: "string", is_system_provided: true },
      old: { type: "string", is_omitted: true },
      order: { type: "array", description: "Dishes", items: { type: "string" } },
    };
    const rows = readParameters(properties, ["slot"]);
    expect(rows.map((row) => row.source)).toEqual([
      "model",
      "variable",
      "constant",
      "system",
      "nobody",
      "model",
    ]);
    expect(writeProperties(rows)).toEqual(properties);
    expect(writeRequired(rows)).toEqual(["slot"]);
  });

  it("finds path parameters and no variables", () => {
    expect(pathNames("https://{{host}}/shops/{shop}/bookings/{id}?v={{version}}")).toEqual(["shop", "id"]);
  });
});
