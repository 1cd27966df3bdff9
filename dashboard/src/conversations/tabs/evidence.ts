import type { Turn } from "@/api/conversations";

/** Words without what may be written one way or another. */
const plain = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();

/** What a rationale quotes, longest first; short quotes prove nothing. */
export function quotes(rationale: string): string[] {
  const found = [...rationale.matchAll(/["“”„«]([^"“”„«»]{6,})["“”»]/g)].map((match) => match[1] ?? "");
  return found.sort((a, b) => b.length - a.length);
}

/** The turn that a rationale speaks of, by the words it quotes; null when it quotes none that were said. */
export function evidence(rationale: string, turns: readonly Turn[]): number | null {
  for (const quote of quotes(rationale)) {
    const wanted = plain(quote);
    const index = turns.findIndex((turn) => turn.message !== null && plain(turn.message).includes(wanted));
    if (index !== -1) return index;
  }
  return null;
}
