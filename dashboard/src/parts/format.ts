/** Numbers and times as people read them. */

const SECOND = 1000;

/** 75 -> "1:15"; 3700 -> "1:01:40". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, index) => (index ? String(part).padStart(2, "0") : String(part))).join(":");
}

/** 0.42 -> "420 ms"; 3.2 -> "3.2 s"; 75 -> "1 min 15 s". */
export function span(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  // Rounded first: 119.7 s are 2 min 0 s, not 1 min 60 s.
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** 1234567 -> "1.2 MB". */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1e6) return `${(count / 1e3).toFixed(1)} kB`;
  if (count < 1e9) return `${(count / 1e6).toFixed(1)} MB`;
  return `${(count / 1e9).toFixed(1)} GB`;
}

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31536000],
  ["month", 2592000],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

/** A moment (seconds since 1970) as "3 minutes ago". */
export function ago(at: number, now = Date.now() / SECOND): string {
  const passed = at - now;
  for (const [unit, length] of UNITS) {
    if (Math.abs(passed) >= length) return RELATIVE.format(Math.round(passed / length), unit);
  }
  return "just now";
}

/** A moment (seconds since 1970) in full, in the reader's own time. */
export const moment = (at: number) =>
  new Date(at * SECOND).toLocaleString("en", { dateStyle: "medium", timeStyle: "medium" });

/** 1, "call" -> "1 call"; 2 -> "2 calls". */
export const counted = (count: number, noun: string, plural = `${noun}s`) =>
  `${count.toLocaleString("en")} ${count === 1 ? noun : plural}`;
