/** Dynamic variables: `{{name}}` in the texts of an agent, and where their values come from. */

import type { Json, JsonObject } from "@/api/agents";

import { at, isObject } from "./document";

export const VARIABLE = /\{\{\s*([^{}\s]+)\s*\}\}/g;

/** Variables that the server itself fills in, with what they hold. */
export const SYSTEM_VARIABLES: Record<string, string> = {
  system__agent_id: "The id of the agent that the conversation began with.",
  system__current_agent_id: "The id of the agent that has the conversation now.",
  system__conversation_id: "The id of the conversation.",
  system__time: "The time in the agent's time zone, in words.",
  system__time_utc: "The time, ISO 8601.",
  system__timezone: "The agent's time zone.",
  system__call_duration_secs: "Seconds since the beginning.",
  system__agent_turns: "How often an agent has spoken.",
  system__current_agent_turns: "How often the present agent has spoken.",
  system__current_subagent_turns: "How often the present subagent has spoken.",
  system__is_text_only: "Whether the conversation is typed.",
  system__conversation_history: "What was said and done so far, as JSON.",
  system__caller_id: "The number of the caller, of a telephone call.",
  system__called_number: "The number that was called, of a telephone call.",
  system__call_sid: "The id of the telephone call.",
  system__call_id: "The id of the telephone call.",
};

export const isSystemVariable = (name: string) => name.startsWith("system__");

/** Whether the server knows a variable that begins with `system__`. */
export const isKnownSystemVariable = (name: string) =>
  name in SYSTEM_VARIABLES || name.startsWith("system__env_");

/** The names of the variables in a text, each once, in order. */
export function variablesIn(text: string): string[] {
  return [...new Set([...text.matchAll(VARIABLE)].map((match) => match[1] ?? ""))];
}

export interface FoundVariable {
  name: string;
  /** The places that use it: "first message", "prompt" … Empty: nothing does. */
  places: string[];
  /** Its value when the client sends none; undefined: there is none. */
  placeholder: Json | undefined;
  /** `system`: the server fills it in. `unknown`: no such system variable. `missing`: callers must send it. */
  kind: "system" | "unknown" | "given" | "missing";
}

const PLACES: [string, string][] = [
  ["conversation_config.agent.first_message", "first message"],
  ["conversation_config.agent.prompt.prompt", "prompt"],
  ["conversation_config.agent.max_conversation_duration_message", "farewell"],
  ["conversation_config.turn.soft_timeout_config", "fillers"],
  ["conversation_config.agent.prompt.tools", "tools"],
  ["conversation_config.agent.prompt.built_in_tools", "built-in tools"],
  ["conversation_config.language_presets", "languages"],
  ["workflow", "workflow"],
];

export const PLACEHOLDERS = "conversation_config.agent.dynamic_variables.dynamic_variable_placeholders";

/** Every variable that an agent uses or has a placeholder for: those that lack a value first. */
export function variablesOf(document: JsonObject): FoundVariable[] {
  const given = at(document, PLACEHOLDERS);
  const placeholders = isObject(given) ? given : {};
  const places = new Map<string, string[]>(Object.keys(placeholders).map((name) => [name, []]));
  for (const [path, place] of PLACES) {
    const value = at(document, path);
    const text = typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
    for (const name of variablesIn(text)) places.set(name, [...(places.get(name) ?? []), place]);
  }
  const rank = { unknown: 0, missing: 1, given: 2, system: 3 };
  return [...places]
    .map(([name, where]): FoundVariable => {
      const placeholder = placeholders[name];
      if (isSystemVariable(name)) {
        return { name, places: where, placeholder, kind: isKnownSystemVariable(name) ? "system" : "unknown" };
      }
      const hasValue = placeholder !== undefined && placeholder !== null && placeholder !== "";
      return { name, places: where, placeholder, kind: hasValue || !where.length ? "given" : "missing" };
    })
    .sort((one, other) => rank[one.kind] - rank[other.kind]);
}
