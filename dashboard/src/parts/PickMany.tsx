import { MultiSelect, type MultiSelectProps } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";

import { type Source, useChoices } from "@/api/choices";

import { nothing, offered, type Own, PAUSE_MS, type Picked, trouble } from "./offered";

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
