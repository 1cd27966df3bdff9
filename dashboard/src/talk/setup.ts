/** What is said to the server before a call begins, as the form holds it and as the client wants it. */

import type { Json, JsonObject } from "@/api/agents";
import { at, isObject } from "@/agents/editor/document";
import { variablesOf } from "@/agents/editor/variables";

export interface ToolAnswering {
  mode: "hand" | "script";
  code: string;
}

export interface Setup {
  variables: Record<string, string>;
  moreVariables: string;
  userId: string;
  environment: string;
  prompt: string;
  firstMessage: string;
  language: string;
  voiceId: string;
  speed: string;
  llm: string;
  promptMore: string;
  extraBody: string;
  tools: Record<string, ToolAnswering>;
}

export const NO_SETUP: Setup = {
  variables: {},
  moreVariables: "",
  userId: "",
  environment: "",
  prompt: "",
  firstMessage: "",
  language: "",
  voiceId: "",
  speed: "",
  llm: "",
  promptMore: "",
  extraBody: "",
  tools: {},
};

const OVERRIDES = "platform_settings.overrides.conversation_config_override";

/** The paths that the form can override, by its fields, and the permission that each needs. */
export const OVERRIDE_PATHS = {
  prompt: "agent.prompt.prompt",
  firstMessage: "agent.first_message",
  language: "agent.language",
  voiceId: "tts.voice_id",
  speed: "tts.speed",
  llm: "agent.prompt.llm",
} as const;

/** Whether the agent lets a client replace this; when not, the server refuses the call. */
export const isAllowed = (agent: JsonObject, field: keyof typeof OVERRIDE_PATHS) =>
  at(agent, `${OVERRIDES}.${OVERRIDE_PATHS[field]}`) === true;

export const isExtraBodyAllowed = (agent: JsonObject) =>
  at(agent, "platform_settings.overrides.custom_llm_extra_body") === true;

function readObject(text: string): JsonObject | string {
  if (!text.trim()) return {};
  try {
    const value = JSON.parse(text) as Json;
    return isObject(value) ? value : "Expected an object: {…}.";
  } catch (error) {
    return error instanceof Error ? `Not JSON: ${error.message}.` : "Not JSON.";
  }
}

const JSON_FIELDS = ["moreVariables", "promptMore", "extraBody"] as const;

/** What is wrong with the form, by its fields; empty when a call may begin. */
export function problemsOf(setup: Setup): Partial<Record<keyof Setup, string>> {
  const problems: Partial<Record<keyof Setup, string>> = {};
  for (const field of JSON_FIELDS) {
    const read = readObject(setup[field]);
    if (typeof read === "string") problems[field] = read;
  }
  const { moreVariables } = setup;
  const more = readObject(moreVariables);
  if (isObject(more) && Object.values(more).some((value) => value === null || typeof value === "object")) {
    problems.moreVariables = "Expected texts, numbers, true or false.";
  }
  if (setup.speed && !(Number(setup.speed) > 0)) problems.speed = "Expected a number such as 1.1.";
  return problems;
}

/** The id of the field that a variable is filled in at. */
export const variableField = (name: string) => `variable-${name}`;

/** The variables that the agent needs and the form does not give: without them a call is refused. */
export function missingVariables(agent: JsonObject, setup: Setup): string[] {
  const more = readObject(setup.moreVariables);
  return variablesOf(agent)
    .filter(({ kind, name }) => kind === "missing" && !setup.variables[name])
    .map(({ name }) => name)
    .filter((name) => !(isObject(more) && name in more));
}

/** How much of the form differs from what the agent itself says. */
export const countSet = (setup: Setup) =>
  Object.entries(setup).filter(([name, value]) =>
    name === "variables"
      ? Object.values(value as Record<string, string>).some(Boolean)
      : typeof value === "string" && value.trim(),
  ).length;

const given = (text: string) => text.trim() || undefined;

/** The part of the client's session options that comes from the form. */
export function sessionOptions(setup: Setup, isText: boolean) {
  const object = (text: string) => {
    const read = readObject(text);
    return isObject(read) ? read : {};
  };
  const variables = Object.fromEntries(Object.entries(setup.variables).filter(([, value]) => value !== ""));
  const prompt = {
    ...object(setup.promptMore),
    ...(given(setup.prompt) && { prompt: setup.prompt }),
    ...(given(setup.llm) && { llm: setup.llm.trim() }),
  };
  const dynamicVariables = { ...variables, ...object(setup.moreVariables) } as Record<
    string,
    string | number | boolean
  >;
  const extraBody = object(setup.extraBody);
  return {
    ...(isText && { textOnly: true }),
    ...(Object.keys(dynamicVariables).length && { dynamicVariables }),
    ...(given(setup.userId) && { userId: setup.userId.trim() }),
    ...(given(setup.environment) && { environment: setup.environment.trim() }),
    ...(Object.keys(extraBody).length && { customLlmExtraBody: extraBody }),
    overrides: {
      agent: {
        ...(Object.keys(prompt).length && { prompt }),
        ...(given(setup.firstMessage) && { firstMessage: setup.firstMessage }),
        // The client's type lists the languages that it knows; agents have others too.
        ...(given(setup.language) && { language: setup.language.trim() as "en" }),
      },
      tts: {
        ...(given(setup.voiceId) && { voiceId: setup.voiceId }),
        ...(given(setup.speed) && { speed: Number(setup.speed) }),
      },
    },
  };
}

export interface ClientTool {
  name: string;
  description: string;
  expectsAnswer: boolean;
  timeoutSecs: number;
}

const USUAL_TOOL_TIMEOUT = 20;

/** A tool that the client runs, from its configuration; null for tools of other kinds. */
export function clientTool(config: Json | undefined): ClientTool | null {
  if (!isObject(config) || config.type !== "client") return null;
  return {
    name: String(config.name ?? ""),
    description: String(config.description ?? ""),
    expectsAnswer: config.expects_response === true,
    timeoutSecs:
      typeof config.response_timeout_secs === "number" ? config.response_timeout_secs : USUAL_TOOL_TIMEOUT,
  };
}
