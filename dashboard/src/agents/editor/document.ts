/** An agent's document as a value: read and changed by path, compared, merged. Nothing here is ever changed in place. */

import type { Agent, Json, JsonObject } from "@/api/agents";

/** What of a pulled agent is the server's own, and not sent back. */
const COMPUTED = new Set([
  "agent_id",
  "metadata",
  "access_info",
  "phone_numbers",
  "whatsapp_accounts",
  "version_id",
  "branch_id",
  "main_branch_id",
  "version_description",
]);

/** Objects whose keys are the owner's: the server replaces them as a whole, so they are sent as a whole. */
const FREE_MAPS = new Set([
  "language_presets",
  "data_collection",
  "data_collection_scopes",
  "dynamic_variable_placeholders",
  "text_behavior_overrides",
  "request_headers",
  "path_params_schema",
  "properties",
  "monitor_configs",
  "nodes",
  "edges",
  "procedures",
  "x_script",
]);

/** Keys that say which of several shapes an object has; with another one it is another object. */
const TAGS = ["type", "preference"];

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The part of an agent that its owner edits. */
export function documentOf(agent: Agent): JsonObject {
  const all = Object.entries(agent as unknown as JsonObject);
  return Object.fromEntries(all.filter(([key]) => !COMPUTED.has(key)));
}

/** Keys with dots between them, or, where a key may have dots of its own, one by one. */
export type Path = string | readonly string[];

const keysOf = (path: Path): readonly string[] =>
  typeof path === "string" ? (path ? path.split(".") : []) : path;

/** What stands at a path such as "conversation_config.turn.turn_timeout"; undefined where nothing does. */
export function at(value: Json | undefined, path: Path): Json | undefined {
  let here = value;
  for (const key of keysOf(path)) {
    if (Array.isArray(here)) here = here[Number(key)];
    else here = isObject(here) ? here[key] : undefined;
  }
  return here;
}

/** The same object without one of its keys. */
export const without = (value: JsonObject, key: string): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));

/** The same document with another value at a path; objects on the way are made, undefined takes the key out. */
export function withValue(value: Json | undefined, path: Path, put: Json | undefined): JsonObject {
  const [key = "", ...rest] = keysOf(path);
  const old = isObject(value) ? value : {};
  const next = rest.length ? withValue(old[key], rest, put) : put;
  return next === undefined ? without(old, key) : { ...old, [key]: next };
}

export function isSame(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, index) => isSame(item, other[index]));
  }
  if (!isObject(one) || !isObject(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => key in other && isSame(one[key], other[key]))
  );
}

const hasShapeOf = (old: JsonObject, next: JsonObject) =>
  TAGS.every((tag) => !(tag in old) || !(tag in next) || isSame(old[tag], next[tag]));

const isMerged = (key: string, old: Json | undefined, next: Json | undefined) =>
  isObject(old) && isObject(next) && !FREE_MAPS.has(key) && hasShapeOf(old, next);

/**
 * The smallest PATCH that makes `next` of `old`: what is not named in it keeps its value on the server, settings that
 * this page does not know included. A key that is gone is sent as null, which clears it.
 */
export function changesBetween(old: JsonObject, next: JsonObject): JsonObject {
  const patch: JsonObject = {};
  for (const key of new Set([...Object.keys(old), ...Object.keys(next)])) {
    const [before, after] = [old[key], next[key]];
    if (isSame(before, after)) continue;
    if (isObject(before) && isObject(after) && isMerged(key, before, after)) {
      patch[key] = changesBetween(before, after);
    } else patch[key] = after === undefined ? null : after;
  }
  return patch;
}

/** What the server makes of a PATCH: objects are merged, all else is replaced. */
export function merged(document: JsonObject, patch: JsonObject): JsonObject {
  const result = { ...document };
  for (const [key, value] of Object.entries(patch)) {
    const old = result[key];
    result[key] = isObject(old) && isObject(value) && isMerged(key, old, value) ? merged(old, value) : value;
  }
  return result;
}

/** A PATCH as the server takes it: a null at the top says nothing to it, so a part that is gone is emptied instead. */
export function sendable(old: JsonObject, patch: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(patch).map(([key, value]) => {
      const before = old[key];
      if (value !== null || before === undefined) return [key, value];
      if (Array.isArray(before)) return [key, []];
      return [key, isObject(before) ? Object.fromEntries(Object.keys(before).map((k) => [k, null])) : ""];
    }),
  );
}

/** The paths at which two documents differ, key by key, the deepest that say it. */
export function changedPaths(old: JsonObject, next: JsonObject, above: readonly string[] = []): string[][] {
  return Object.entries(changesBetween(old, next)).flatMap(([key]) => {
    const path = [...above, key];
    const [before, after] = [old[key], next[key]];
    if (isObject(before) && isObject(after)) return changedPaths(before, after, path);
    return [path];
  });
}

/** One path is the other, or lies in it. */
export const isWithin = (path: string, whole: string) => path === whole || path.startsWith(`${whole}.`);
