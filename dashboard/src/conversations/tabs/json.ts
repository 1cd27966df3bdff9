/** A JSON value as lines: what a viewer shows, with what is folded left out. */

export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };

export interface JsonLine {
  /** Where the value is: keys and places with slashes between them. */
  path: string;
  depth: number;
  key: string | null;
  /** What is shown of the value; of an object or list that is open, its bracket. */
  text: string;
  kind: "string" | "number" | "boolean" | "null" | "open" | "closed" | "end";
  /** So many entries, of an object or list. */
  count?: number;
}

const escaped = (key: string | number) => String(key).replaceAll("~", "~0").replaceAll("/", "~1");

/** The paths from the top to a value, itself last. */
export function above(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}

/** Every line that is seen; `isFolded` says which objects and lists show only that they are there. */
export function jsonLines(
  value: JsonValue,
  isFolded: (path: string, depth: number, count: number) => boolean,
): JsonLine[] {
  const lines: JsonLine[] = [];
  const add = (one: JsonValue, key: string | null, path: string, depth: number) => {
    if (one === null || typeof one !== "object") {
      const kind = one === null ? "null" : (typeof one as "string" | "number" | "boolean");
      lines.push({ path, depth, key, text: JSON.stringify(one), kind });
      return;
    }
    const isList = Array.isArray(one);
    const entries: [string, JsonValue][] = isList
      ? one.map((item, place) => [String(place), item])
      : Object.entries(one);
    const brackets = isList ? "[]" : "{}";
    const head = { path, depth, key, count: entries.length };
    if (!entries.length) lines.push({ ...head, text: brackets, kind: "null" });
    else if (isFolded(path, depth, entries.length))
      lines.push({ ...head, text: `${brackets[0]} … ${brackets[1]}`, kind: "closed" });
    else {
      lines.push({ ...head, text: brackets[0] ?? "", kind: "open" });
      for (const [name, item] of entries)
        add(item, isList ? null : name, `${path}/${escaped(name)}`, depth + 1);
      lines.push({ path, depth, key: null, text: brackets[1] ?? "", kind: "end" });
    }
  };
  add(value, null, "", 0);
  return lines;
}

/** Paths of all values and keys in which the words occur, in the order of the lines. */
export function found(value: JsonValue, words: string): string[] {
  const wanted = words.trim().toLowerCase();
  if (!wanted) return [];
  return jsonLines(value, () => false)
    .filter(
      ({ key, text, kind }) =>
        key?.toLowerCase().includes(wanted) ||
        (kind !== "open" && kind !== "end" && text.toLowerCase().includes(wanted)),
    )
    .map(({ path }) => path);
}

/** The value at a path. */
export function valueAt(value: JsonValue, path: string): JsonValue | undefined {
  let here: JsonValue | undefined = value;
  for (const part of path.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (here === null || typeof here !== "object") return undefined;
    here = Array.isArray(here) ? here[Number(key)] : here[key];
  }
  return here;
}
