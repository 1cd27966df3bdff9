import { Select, type SelectProps } from "@mantine/core";

interface Props extends Pick<SelectProps, "data" | "searchable" | "nothingFoundMessage" | "flex" | "maw"> {
  label: string;
  /** What it says while nothing is chosen. */
  any: string;
  /** The chosen value; `""` for none. */
  value: string;
  change: (value: string) => void;
  /** The label is for screen readers only, where `any` says enough. */
  isBare?: boolean;
}

/** One thing that a list is narrowed by. */
export function FilterSelect({ label, any, value, change, isBare, ...more }: Props) {
  return (
    <Select
      label={isBare ? undefined : label}
      aria-label={isBare ? label : undefined}
      placeholder={any}
      value={value || null}
      onChange={(chosen) => change(chosen ?? "")}
      clearable
      clearButtonProps={{ "aria-label": `${label}: ${any}` }}
      {...more}
    />
  );
}

/** The choices of a field whose values have labels. */
export const choicesOf = (labels: Record<string, { label: string }>) =>
  Object.entries(labels).map(([value, { label }]) => ({ value, label }));
