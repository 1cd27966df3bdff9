/** What of a message was heard and what was cut off: the record keeps both whole. */
export function cut(heard: string, whole: string): { heard: string; rest: string } {
  if (whole.startsWith(heard)) return { heard, rest: whole.slice(heard.length) };
  // Spaces may differ: compare what is left without them.
  let place = 0;
  for (const sign of heard) {
    if (/\s/.test(sign)) continue;
    while (place < whole.length && /\s/.test(whole[place] ?? "")) place++;
    if (whole[place] !== sign) return { heard, rest: "" };
    place++;
  }
  return { heard: whole.slice(0, place), rest: whole.slice(place) };
}

/** JSON laid out to be read; anything else as it is. */
export function pretty(text: string | null): string {
  if (text === null || text === "") return "";
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
