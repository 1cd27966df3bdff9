import type { Limit } from "@/api/server";
import { bytes, span } from "@/parts/format";

export interface LimitRow {
  name: string;
  value: string;
}

export interface LimitGroup {
  name: string;
  rows: LimitRow[];
}

/** Groups whose names say too little, and which come first. */
const NAMES: Record<string, string> = {
  limits: "Rates and shares",
  conversations: "Conversations at a time",
  socket: "Sockets",
  model: "Language models",
  tool_response_timeout_secs: "Time for tools to answer",
  webhook_tool_response_bytes: "Answers of webhook tools",
  api_keys: "API keys",
};

const UNITS = /_(secs|bytes)$/;

const spaced = (name: string) => {
  const text = name.replace(UNITS, "").replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** All limits in groups, as people read them; those that stand alone are "Further". */
export function grouped(limits: Record<string, Limit>): LimitGroup[] {
  const groups: LimitGroup[] = [];
  const alone: LimitRow[] = [];
  for (const [name, value] of Object.entries(limits)) {
    if (isTable(value)) {
      const rows = Object.entries(value).map(([key, one]) => row(key, one, UNITS.exec(name)?.[1]));
      groups.push({ name: NAMES[name] ?? spaced(name), rows });
    } else alone.push(row(name, value));
  }
  const first = [NAMES.limits, NAMES.conversations];
  const rank = ({ name }: LimitGroup) => (first.includes(name) ? first.indexOf(name) : first.length);
  groups.sort((a, b) => rank(a) - rank(b));
  return alone.length ? [...groups, { name: "Further", rows: alone }] : groups;
}

const isTable = (value: Limit): value is { [name: string]: Limit } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function row(name: string, value: Limit, inherited?: string): LimitRow {
  return { name: spaced(name), value: told(value, UNITS.exec(name)?.[1] ?? inherited) };
}

function told(value: Limit, unit?: string): string {
  if (value === null) return "no limit";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map((one) => told(one, unit)).join(", ");
  if (isTable(value)) {
    return Object.entries(value)
      .map(([name, one]) => `${spaced(name).toLowerCase()} ${told(one, unit)}`)
      .join(", ");
  }
  if (typeof value === "string") return value;
  if (unit === "secs") return exactly(value);
  return unit === "bytes" ? bytes(value) : value.toLocaleString("en");
}

/** 900 -> "15 min"; a limit of whole days is told in days. */
function exactly(seconds: number): string {
  if (seconds >= 86_400 && seconds % 86_400 === 0) return `${seconds / 86_400} d`;
  return span(seconds)
    .replace(/ 0 (s|min)$/, "")
    .replace(/\.0 s$/, " s");
}

/** What has these words in its name or that of its group. */
export function narrowed(groups: LimitGroup[], search: string): LimitGroup[] {
  const words = search.trim().toLowerCase();
  if (!words) return groups;
  return groups.flatMap((group) => {
    if (group.name.toLowerCase().includes(words)) return [group];
    const rows = group.rows.filter(({ name }) => name.toLowerCase().includes(words));
    return rows.length ? [{ ...group, rows }] : [];
  });
}
