import { ago } from "@/parts/format";

/** A moment to come: "in 12 s", "in 4 minutes", "now" when it is there. */
export function Next({ at }: { at: number }) {
  const seconds = Math.round(at - Date.now() / 1000);
  return <>{seconds <= 0 ? "now" : seconds < 60 ? `in ${seconds} s` : ago(at)}</>;
}
