import { describe, expect, it } from "vitest";

import { variablesIn, variablesOf } from "./variables";

describe("variables", () => {
  it("are found in a text once each, spaces aside", () => {
    expect(variablesIn("Hi {{ name }}, {{order.id}} and {{name}}; { no }, {{}}")).toEqual([
      "name",
      "order.id",
    ]);
  });

  it("are told with where they are used and whether they have a value", () => {
    const found = variablesOf({
      conversation_config: {
        agent: {
          first_message: "Hi {{name}} at {{system__time}}",
          prompt: { prompt: "{{name}} has {{order}}, {{system__tme}}" },
          dynamic_variables: { dynamic_variable_placeholders: { name: "you", unused: 1 } },
        },
      },
    });
    expect(found.map(({ name, kind }) => [name, kind])).toEqual([
      ["system__tme", "unknown"],
      ["order", "missing"],
      ["name", "given"],
      ["unused", "given"],
      ["system__time", "system"],
    ]);
    expect(found.find(({ name }) => name === "name")?.places).toEqual(["first message", "prompt"]);
  });
});
