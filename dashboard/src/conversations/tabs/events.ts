/** The event log: which of it is shown, and what an event says in a line. */

import type { CallEvent } from "@/api/conversations";

export interface EventFilter {
  words: string;
  types: readonly string[];
  directions: readonly string[];
}

export function matching(
  events: readonly CallEvent[],
  { words, types, directions }: EventFilter,
): CallEvent[] {
  const wanted = words.trim().toLowerCase();
  const [typeSet, directionSet] = [new Set(types), new Set(directions)];
  return events.filter(
    (one) =>
      (!typeSet.size || typeSet.has(one.event.type)) &&
      (!directionSet.size || directionSet.has(one.direction)) &&
      (!wanted || JSON.stringify(one.event).toLowerCase().includes(wanted)),
  );
}

/** The types that occur, the most frequent first, with how often. */
export function typesOf(events: readonly CallEvent[]): { type: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const { event } of events) counts.set(event.type, (counts.get(event.type) ?? 0) + 1);
  return [...counts].map(([type, count]) => ({ type, count })).sort((a, b) => b.count - a.count);
}

/** The first words in it: what most events are about. */
export function gist(event: CallEvent["event"]): string {
  const texts: string[] = [];
  const look = (value: unknown, depth: number) => {
    if (texts.length > 2 || depth > 3) return;
    if (typeof value === "string") texts.push(value);
    else if (value && typeof value === "object") for (const one of Object.values(value)) look(one, depth + 1);
  };
  for (const [name, value] of Object.entries(event)) if (name !== "type") look(value, 0);
  return texts.join(" · ").slice(0, 300);
}

export const DIRECTIONS: Record<CallEvent["direction"], { label: string; colour: string }> = {
  to_client: { label: "To client", colour: "ink" },
  from_client: { label: "From client", colour: "teal" },
  command: { label: "Command", colour: "grape" },
  internal: { label: "Internal", colour: "gray" },
};
