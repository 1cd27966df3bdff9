/** Headers as lines of text, and back: `Name: value`; a value that is an object says where it stands. */

export const headerLines = (headers: Record<string, unknown> | null): string =>
  Object.entries(headers ?? {})
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("\n");

/** The headers that the lines say; a line that is none as a sentence. */
export function readHeaders(text: string): { headers: Record<string, unknown>; problem: string | null } {
  const headers: Record<string, unknown> = {};
  for (const line of text.split("\n")) {
    if (!line.trim()) continue;
    const [, name, value = ""] = /^\s*([^\s:]+)\s*:\s*(.*?)\s*$/.exec(line) ?? [];
    if (!name) return { headers, problem: `Expected “Name: value”, got “${line.trim()}”.` };
    try {
      headers[name] =
        value.startsWith("{") && !value.startsWith("{{") ? (JSON.parse(value) as unknown) : value;
    } catch {
      return { headers, problem: `The value of ${name} begins like JSON and is none.` };
    }
  }
  return { headers, problem: null };
}
