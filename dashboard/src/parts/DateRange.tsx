import { TextInput } from "@mantine/core";

interface Props {
  /** Days as `2026-11-22`; `""` for an open end. */
  from: string;
  to: string;
  change: (some: { from?: string; to?: string }) => void;
}

/** The days that a list is narrowed to: two fields, for a grid of filters. */
export function DateRange({ from, to, change }: Props) {
  return (
    <>
      <TextInput
        type="date"
        label="From"
        value={from}
        onChange={(event) => change({ from: event.currentTarget.value })}
      />
      <TextInput
        type="date"
        label="To"
        value={to}
        onChange={(event) => change({ to: event.currentTarget.value })}
      />
    </>
  );
}
