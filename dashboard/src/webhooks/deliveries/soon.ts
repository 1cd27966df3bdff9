import { ago } from "@/parts/format";

/** A moment to come: "in 12 s", "in 4 minutes", "now" when it is there. */
export function soon(at: number, now = Date.now() / 1000): string {
  const seconds = Math.round(at - now);
  if (seconds <= 0) return "now";
  return seconds < 60 ? `in ${seconds} s` : ago(at, now);
}
