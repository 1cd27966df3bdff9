/** The filters of the list: as the address has them, so that a link shares them, and as the server wants them. */

import type { ConversationStatus } from "@/api/conversations";
import type { Query } from "@/api/client";

/** Every filter is text, "" where it is off. */
export interface Filters {
  q: string;
  agent: string;
  status: string;
  from: string;
  to: string;
  min: string;
  max: string;
  result: string;
  rating: string;
  kind: string;
  ended: string;
  order: string;
}

export const NONE: Filters = {
  q: "",
  agent: "",
  status: "",
  from: "",
  to: "",
  min: "",
  max: "",
  result: "",
  rating: "",
  kind: "",
  ended: "",
  order: "",
};

const NAMES = Object.keys(NONE) as (keyof Filters)[];

const STATUSES: ConversationStatus[] = ["initiated", "in-progress", "processing", "done", "failed"];

export const readFilters = (params: URLSearchParams): Filters =>
  Object.fromEntries(NAMES.map((name) => [name, params.get(name) ?? ""])) as unknown as Filters;

/** The address of these filters: only those that are on. */
export function writeFilters(filters: Filters): URLSearchParams {
  const params = new URLSearchParams();
  for (const name of NAMES) if (filters[name]) params.set(name, filters[name]);
  return params;
}

/** How many filters beside the search and the order are on. */
export const countFilters = (filters: Filters) =>
  NAMES.filter((name) => name !== "q" && name !== "order" && filters[name]).length;

/** What the server is asked. Days are the reader's own, the last one included. */
export function toQuery(filters: Filters): Query {
  return {
    search: filters.q,
    agent_id: filters.agent,
    exclude_statuses: filters.status ? STATUSES.filter((status) => status !== filters.status) : undefined,
    call_start_after_unix: day(filters.from),
    call_start_before_unix: day(filters.to, 1),
    call_duration_min_secs: number(filters.min),
    call_duration_max_secs: number(filters.max),
    call_successful: filters.result,
    rating_min: filters.rating === "low" ? 1 : number(filters.rating),
    rating_max: filters.rating === "low" ? 2 : undefined,
    text_only: filters.kind ? filters.kind === "text" : undefined,
    termination_reasons: filters.ended || undefined,
    sort_direction: filters.order || undefined,
  };
}

/** "2026-11-21" -> when that day begins here (or, with `later`, so many days after it); undefined when it is none. */
function day(text: string, later = 0): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!match) return undefined;
  return new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]) + later).getTime() / 1000;
}

function number(text: string): number | undefined {
  const value = Number(text);
  return text.trim() === "" || Number.isNaN(value) ? undefined : value;
}

/** The command that exports what is shown. */
export function exportCommand(query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value])
      .filter((one) => one !== undefined && one !== null && one !== "")
      .map((one) => `--filter ${quoted(`${name}=${String(one)}`)}`),
  );
  return ["parola conversations export", ...given, "--out conversations.ndjson"].join(" ");
}

const quoted = (text: string) => (/^[\w=.:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
