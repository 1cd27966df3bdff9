import type { Choice, Choices, Source } from "@/api/choices";

/** How long nobody types before the server is asked. */
export const PAUSE_MS = 200;

/** What `PickOne` and `PickMany` do for themselves. */
export type Own = "data" | "searchable" | "searchValue" | "onSearchChange" | "error" | "value" | "onChange";

/** The names of what was picked here: what was looked for need not be listed afterwards. */
export type Picked = Readonly<Record<string, string>>;

const AND_MORE = "\u0000and more";

/** What is offered, with what is chosen and not listed, and a word where there is more than that. */
export function offered(
  { choices, isMore, missing }: Choices,
  source: Source,
  chosen: readonly string[],
  picked: Picked,
): Choice[] {
  const listed = new Set(choices.map(({ value }) => value));
  const others = chosen
    .filter((id) => id !== "" && !listed.has(id))
    .map((id) => ({ value: id, label: picked[id] ?? (missing.includes(id) ? `${id} (missing)` : id) }));
  const more = source.searches ? "And more: type to search" : `The first ${choices.length} are listed`;
  return [...choices, ...others, ...(isMore ? [{ value: AND_MORE, label: more, disabled: true }] : [])];
}

export const trouble = ({ error }: Choices) => error && `They could not be listed: ${error.message}`;

export const nothing = ({ isPending }: Choices) => (isPending ? "Looking…" : "Nothing of that name.");
