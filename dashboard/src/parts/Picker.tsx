import { MultiSelect, type MultiSelectProps, Select, type SelectProps } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";

import { type Choice, type Choices, type Source, useChoices } from "@/api/choices";

const PAUSE_MS = 200;

type Own = "data" | "searchable" | "searchValue" | "onSearchChange" | "error" | "value" | "onChange";

/** The names of what was picked here: what was looked for need not be listed afterwards. */
type Picked = Readonly<Record<string, string>>;

const AND_MORE = "\u0000and more";

/** What is offered, with what is chosen and not listed, and a word where there is more than that. */
function offered(
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

const trouble = ({ error }: Choices) => error && `They could not be listed: ${error.message}`;

const nothing = ({ isPending }: Choices) => (isPending ? "Looking…" : "Nothing of that name.");

interface One extends Omit<SelectProps, Own> {
  from: Source;
  value: string | null;
  onChange: (value: string | null) => void;
  /** Offered before all others. */
  first?: Choice[];
  /** What is not offered. */
  without?: (id: string) => boolean;
  /** Instead of the placeholder, when there is nothing to choose. */
  none?: string;
}

/** One thing of this server, by its name; the server looks for what is typed where not all are listed. */
export function PickOne({ from, value, onChange, first = [], without, none, placeholder, ...props }: One) {
  const [search, setSearch] = useState("");
  const [looked] = useDebouncedValue(search, PAUSE_MS);
  // When nobody types, the field says what is chosen: that is nothing to look for.
  const [shown, setShown] = useState("");
  const [picked, setPicked] = useState<Picked>({});
  const listed = useChoices(from, looked === shown ? "" : looked, value === null ? [] : [value]);
  const data = [
    ...first,
    ...offered(listed, from, value === null ? [] : [value], picked).filter(
      (choice) => !without?.(choice.value) && !first.some((one) => one.value === choice.value),
    ),
  ];
  const pick = (id: string | null, option: { label: string } | null) => {
    if (id !== null && option) setPicked({ [id]: option.label });
    onChange(id);
  };
  const label = data.find((choice) => choice.value === value)?.label ?? "";
  if (label !== shown) setShown(label);
  return (
    <Select
      {...props}
      data={data}
      value={value}
      onChange={pick}
      searchable
      searchValue={search}
      onSearchChange={setSearch}
      placeholder={none && !listed.isPending && !data.length ? none : placeholder}
      nothingFoundMessage={nothing(listed)}
      error={trouble(listed)}
    />
  );
}

interface Many extends Omit<MultiSelectProps, Own> {
  from: Source;
  value: string[];
  onChange: (value: string[]) => void;
  none?: string;
}

/** Things of this server, by their names; see `PickOne`. */
export function PickMany({ from, value, onChange, none, placeholder, ...props }: Many) {
  const [search, setSearch] = useState("");
  const [looked] = useDebouncedValue(search, PAUSE_MS);
  const [picked, setPicked] = useState<Picked>({});
  const listed = useChoices(from, looked, value);
  const data = offered(listed, from, value, picked);
  const pick = (ids: string[]) => {
    setPicked({ ...picked, ...Object.fromEntries(data.map((one) => [one.value, one.label])) });
    onChange(ids);
  };
  const empty = none && !listed.isPending && !data.length ? none : placeholder;
  return (
    <MultiSelect
      {...props}
      data={data}
      value={value}
      onChange={pick}
      searchable
      searchValue={search}
      onSearchChange={setSearch}
      placeholder={value.length ? undefined : empty}
      nothingFoundMessage={nothing(listed)}
      error={trouble(listed)}
    />
  );
}
