const DAY = 86_400;

/** How long a key may last; "" is for ever. */
export const LIFETIMES = [
  { value: "", label: "Never" },
  { value: "7", label: "In 7 days" },
  { value: "30", label: "In 30 days" },
  { value: "90", label: "In 90 days" },
  { value: "365", label: "In a year" },
  { value: "date", label: "On a day…" },
];

/** The moment, in seconds since 1970, at which a key ends; `date` as "2026-11-21", its end in the reader's time. */
export function endOf(choice: string, date: string, now = Date.now() / 1000): number | null {
  if (choice === "date") return date ? Math.floor(new Date(`${date}T23:59:59`).getTime() / 1000) : null;
  return choice ? Math.floor(now + Number(choice) * DAY) : null;
}

/** The day of a moment, as a date field wants it. */
export function dayOf(at: number): string {
  const date = new Date(at * 1000);
  const pad = (number: number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

export type Age = "lasting" | "ending" | "over";

/** Whether somebody should look at a key: it ends within a week, or has ended. */
export function ageOf(end: number | null, now = Date.now() / 1000): Age {
  if (end === null || end - now > 7 * DAY) return "lasting";
  return end > now ? "ending" : "over";
}
