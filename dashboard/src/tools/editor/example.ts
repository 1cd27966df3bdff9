import type { Json, JsonObject } from "@/api/agents";

import { at, isObject } from "../../agents/editor/document";
import { readParameters } from "./parameters";

const EMPTY: Record<string, Json> = { integer: 1, number: 1, boolean: true, object: {}, array: [] };

/** Arguments to begin with: of each parameter that the model fills, something of its type. */
export function exampleArguments(config: JsonObject): JsonObject {
  const schema = isObject(config.api_schema) ? config.api_schema : {};
  const all = [
    ...readParameters(schema.path_params_schema, []),
    ...readParameters(at(schema, "query_params_schema.properties"), []),
    ...readParameters(at(schema, "request_body_schema.properties"), []),
  ];
  return Object.fromEntries(
    all
      .filter(({ source }) => source === "model")
      .map(({ name, type, rest }) => {
        const allowed = Array.isArray(rest.enum) ? rest.enum[0] : undefined;
        return [name, allowed ?? EMPTY[type] ?? ""];
      }),
  );
}

/** The variables that the tool reads, each with an empty value. */
export function exampleVariables(config: JsonObject): JsonObject {
  const text = JSON.stringify(config);
  const named = [
    ...text.matchAll(/"dynamic_variable":"([^"]+)"/g),
    ...text.matchAll(/\{\{\s*([\w.]+)\s*\}\}/g),
  ];
  const assigned = new Set(
    (Array.isArray(config.assignments) ? config.assignments : []).map((one) => at(one, "dynamic_variable")),
  );
  const names = named.map(([, name = ""]) => name).filter((name) => !assigned.has(name));
  return Object.fromEntries([...new Set(names)].map((name) => [name, ""]));
}
