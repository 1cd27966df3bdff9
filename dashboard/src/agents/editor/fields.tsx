import {
  Box,
  Group,
  Input,
  NumberInput,
  Select,
  Slider,
  Stack,
  Switch,
  TagsInput,
  Text,
  Textarea,
  TextInput,
  VisuallyHidden,
} from "@mantine/core";
import { IconAlertTriangle, IconCircleX, IconInfoCircle } from "@tabler/icons-react";
import { type ReactNode, useId } from "react";

import type { Finding } from "@/api/agents";

import { type Field, useField } from "./draft";
import classes from "./Editor.module.css";

interface Common {
  path: string;
  label: string;
  help?: ReactNode;
}

const LEVELS = {
  error: { icon: IconCircleX, colour: "red", word: "Error" },
  warning: { icon: IconAlertTriangle, colour: "orange", word: "Warning" },
  note: { icon: IconInfoCircle, colour: "blue", word: "Note" },
};

/** What the server found, under the field it concerns. */
export function Findings({ findings }: { findings: Finding[] }) {
  if (!findings.length) return null;
  return (
    <Stack gap={4} mt={6}>
      {findings.map(({ level, path, message }) => {
        const { icon: Symbol, colour, word } = LEVELS[level];
        return (
          <Group key={`${path} ${message}`} gap={6} wrap="nowrap" align="flex-start">
            <Symbol
              size={16}
              color={`var(--mantine-color-${colour}-text)`}
              className={classes.mark}
              aria-label={word}
            />
            <Text size="sm" style={{ overflowWrap: "anywhere" }}>
              {message}
            </Text>
          </Group>
        );
      })}
    </Stack>
  );
}

/** A label, with a dot when what it names is not saved yet. */
export function Label({ text, isChanged }: { text: string; isChanged: boolean }) {
  return (
    <>
      {text}
      {isChanged && (
        <span className={classes.changed} role="img" aria-label="not saved" title="Not saved yet" />
      )}
    </>
  );
}

export function TextField({
  path,
  label,
  help,
  placeholder,
  fallback = "",
  required,
}: Common & { placeholder?: string; fallback?: string; required?: boolean }) {
  const field = useField<string>(path, fallback);
  return (
    <div>
      <TextInput
        label={<Label text={label} isChanged={field.isChanged} />}
        description={help}
        placeholder={placeholder}
        value={field.value}
        required={required}
        error={required && !field.value.trim() ? "This cannot be empty." : undefined}
        onChange={(event) => field.set(event.currentTarget.value)}
      />
      <Findings findings={field.findings} />
    </div>
  );
}

export function LongTextField({
  path,
  label,
  help,
  placeholder,
  rows = 2,
}: Common & { placeholder?: string; rows?: number }) {
  const field = useField<string>(path, "");
  return (
    <div>
      <Textarea
        label={<Label text={label} isChanged={field.isChanged} />}
        description={help}
        placeholder={placeholder}
        autosize
        minRows={rows}
        maxRows={14}
        value={field.value}
        onChange={(event) => field.set(event.currentTarget.value)}
      />
      <Findings findings={field.findings} />
    </div>
  );
}

export function SwitchField({ path, label, help, fallback = false }: Common & { fallback?: boolean }) {
  const field = useField<boolean>(path, fallback);
  return (
    <div>
      <Switch
        label={<Label text={label} isChanged={field.isChanged} />}
        description={help}
        checked={field.value}
        onChange={(event) => field.set(event.currentTarget.checked)}
      />
      <Findings findings={field.findings} />
    </div>
  );
}

interface Range {
  min?: number;
  max?: number;
  step?: number;
  unit?: string;
}

const shown = ({ min, max, step, unit }: Range) => ({
  min,
  max,
  step,
  suffix: unit ? ` ${unit}` : undefined,
  clampBehavior: "blur" as const,
});

/** What is typed into a number: half of one ("-") is not told, an empty field is no number. */
const telling = (set: (value: number | undefined) => void) => (value: number | string) => {
  if (value === "") set(undefined);
  else if (!Number.isNaN(Number(value))) set(Number(value));
};

export function NumberField({
  path,
  label,
  help,
  fallback,
  placeholder,
  ...range
}: Common & Range & { fallback?: number; placeholder?: string }) {
  const field = useField<number | string>(path, fallback ?? "");
  return (
    <div>
      <NumberInput
        label={<Label text={label} isChanged={field.isChanged} />}
        description={help}
        placeholder={placeholder}
        value={field.value}
        onChange={telling(field.set)}
        maw={280}
        {...shown(range)}
      />
      <Findings findings={field.findings} />
    </div>
  );
}

/** A number that people find by moving: a slider, and the exact value beside it. */
export function SliderField({
  path,
  label,
  help,
  fallback,
  min,
  max,
  step,
  unit,
}: Common & Required<Omit<Range, "unit">> & { unit?: string; fallback: number }) {
  const field = useField<number>(path, fallback);
  return <SliderOf {...{ field, label, help, min, max, step, unit }} />;
}

function SliderOf({
  field,
  label,
  help,
  isLabelHidden,
  ...range
}: { field: Field<number>; label: string; help?: ReactNode; isLabelHidden?: boolean } & Required<
  Omit<Range, "unit">
> & {
    unit?: string;
  }) {
  const id = useId();
  const { min, max, step } = range;
  return (
    <div role="group" aria-labelledby={id}>
      {isLabelHidden ? (
        <VisuallyHidden id={id}>{label}</VisuallyHidden>
      ) : (
        <Input.Label component="div" id={id}>
          <Label text={label} isChanged={field.isChanged} />
        </Input.Label>
      )}
      {help && <Input.Description component="div">{help}</Input.Description>}
      <Group gap="md" wrap="nowrap" mt={6}>
        <Slider
          flex={1}
          min={min}
          max={max}
          step={step}
          value={Math.min(max, Math.max(min, field.value))}
          label={null}
          thumbLabel={label}
          onChange={(value) => field.set(Number(value.toFixed(3)))}
        />
        <NumberInput
          w={104}
          size="xs"
          aria-label={`${label}, exact value`}
          value={field.value}
          onChange={telling(field.set)}
          {...shown(range)}
        />
      </Group>
      <Findings findings={field.findings} />
    </div>
  );
}

/** A number that can be "never", which travels as -1: a switch, and while it is on a slider. */
export function NeverField({
  path,
  label,
  help,
  fallback,
  whenOn,
  ...range
}: Common & Required<Omit<Range, "unit">> & { unit?: string; fallback: number; whenOn: number }) {
  const field = useField<number>(path, fallback);
  const isOn = field.value >= 0;
  return (
    <div>
      <Switch
        label={<Label text={label} isChanged={field.isChanged} />}
        description={help}
        checked={isOn}
        onChange={(event) => field.set(event.currentTarget.checked ? whenOn : -1)}
      />
      {isOn ? (
        <Box pl={46} mt={4}>
          <SliderOf
            field={field}
            label={`${label}: ${range.unit === "s" ? "seconds" : "how many"}`}
            isLabelHidden
            {...range}
          />
        </Box>
      ) : (
        <Findings findings={field.findings} />
      )}
    </div>
  );
}

export function SelectField({
  path,
  label,
  help,
  fallback,
  options,
  clearable,
}: Common & { fallback: string; options: { value: string; label: string }[]; clearable?: boolean }) {
  const field = useField<string>(path, fallback);
  const known = options.some(({ value }) => value === field.value) || !field.value;
  return (
    <div>
      <Select
        label={<Label text={label} isChanged={field.isChanged} />}
        description={help}
        data={known ? options : [...options, { value: field.value, label: field.value }]}
        value={field.value || null}
        allowDeselect={false}
        clearable={clearable}
        onChange={(value) => field.set(value ?? undefined)}
        maw={420}
        comboboxProps={{ withinPortal: true }}
      />
      <Findings findings={field.findings} />
    </div>
  );
}

export function TagsField({
  path,
  label,
  help,
  placeholder,
  data,
}: Common & { placeholder?: string; data?: string[] }) {
  const field = useField<string[]>(path, []);
  return (
    <div>
      <TagsInput
        label={<Label text={label} isChanged={field.isChanged} />}
        description={help}
        placeholder={field.value.length ? undefined : placeholder}
        data={data}
        value={field.value}
        onChange={(value) => field.set(value)}
      />
      <Findings findings={field.findings} />
    </div>
  );
}
