/** The parameters of a tool as rows of a table, and back. What a row does not show of a parameter stays as it is. */

import type { Json, JsonObject } from "@/api/agents";

import { isObject } from "../../agents/editor/document";

export type Source = "model" | "variable" | "constant" | "system" | "nobody";

export interface Parameter {
  name: string;
  type: string;
  source: Source;
  /** What the model is told, the variable's name, or the constant: by the source. */
  text: string;
  isRequired: boolean;
  /** As it was stored, with what the table does not show. */
  rest: JsonObject;
}

export const SOURCES: { value: Source; label: string }[] = [
  { value: "model", label: "The model" },
  { value: "variable", label: "A variable" },
  { value: "constant", label: "A constant" },
  { value: "system", label: "The system" },
  { value: "nobody", label: "Nobody" },
];

const SHOWN = new Set([
  "type",
  "description",
  "dynamic_variable",
  "constant_value",
  "is_system_provided",
  "is_omitted",
]);

const text = (value: Json | undefined): string =>
  value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);

function sourceOf(schema: JsonObject): [Source, string] {
  if (schema.dynamic_variable) return ["variable", text(schema.dynamic_variable)];
  if (schema.constant_value !== undefined && schema.constant_value !== null && schema.constant_value !== "") {
    return ["constant", text(schema.constant_value)];
  }
  if (schema.is_system_provided === true) return ["system", ""];
  if (schema.is_omitted === true) return ["nobody", ""];
  return ["model", text(schema.description)];
}

export function readParameters(properties: Json | undefined, required: Json | undefined): Parameter[] {
  const needed = Array.isArray(required) ? required : [];
  return Object.entries(isObject(properties) ? properties : {}).map(([name, given]) => {
    const schema = isObject(given) ? given : {};
    const [source, told] = sourceOf(schema);
    const rest = Object.fromEntries(Object.entries(schema).filter(([key]) => !SHOWN.has(key)));
    return {
      name,
      type: text(schema.type) || "string",
      source,
      text: told,
      isRequired: needed.includes(name),
      rest,
    };
  });
}

/** A constant as its type wants it; what cannot be read so stays a text, for the server to say so. */
function constant(type: string, told: string): Json {
  if (type === "string") return told;
  try {
    return JSON.parse(told) as Json;
  } catch {
    return told;
  }
}

function schemaOf({ type, source, text: told, rest }: Parameter): JsonObject {
  const base = { ...rest, type };
  if (source === "model") return { ...base, description: told };
  if (source === "variable") return { ...base, dynamic_variable: told };
  if (source === "constant") return { ...base, constant_value: constant(type, told) };
  return { ...base, ...(source === "system" ? { is_system_provided: true } : { is_omitted: true }) };
}

export const writeProperties = (parameters: Parameter[]): JsonObject =>
  Object.fromEntries(parameters.map((one) => [one.name, schemaOf(one)]));

export const writeRequired = (parameters: Parameter[]): string[] =>
  parameters.filter((one) => one.isRequired).map((one) => one.name);

/** The names that stand in one pair of braces in an address: its path parameters. */
export function pathNames(url: string): string[] {
  const plain = url.replace(/\{\{.*?\}\}/g, "");
  return [...new Set([...plain.matchAll(/\{([^{}]+)\}/g)].map(([, name = ""]) => name))];
}
