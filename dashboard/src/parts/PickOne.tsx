import { Select, type SelectProps } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";

import { type Choice, type Source, useChoices } from "@/api/choices";

import { nothing, offered, type Own, PAUSE_MS, type Picked, trouble } from "./offered";

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
