import { Group, Input, Skeleton } from "@mantine/core";
import { lazy, type ReactNode, Suspense } from "react";

import { useDraft, useField } from "./draft";
import { Findings, Label } from "./fields";
import { variablesOf } from "./variables";

const VariableText = lazy(() => import("../code/VariableText"));

/** A text with variables as a field of the editor. */
export function TextWithVariables({
  path,
  label,
  help,
  minHeight,
  end,
}: {
  path: string;
  label: string;
  help?: ReactNode;
  minHeight: number;
  /** What stands at the right of the label. */
  end?: (text: string) => ReactNode;
}) {
  const { document } = useDraft();
  const field = useField<string>(path, "");
  const known = variablesOf(document)
    .filter(({ kind }) => kind === "given")
    .map(({ name }) => name);
  return (
    <div>
      <Group justify="space-between" gap="xs" mb={help ? 0 : 4}>
        <Input.Label component="div">
          <Label text={label} isChanged={field.isChanged} />
        </Input.Label>
        {end?.(field.value)}
      </Group>
      {help && (
        <Input.Description component="div" mb={6}>
          {help}
        </Input.Description>
      )}
      <Suspense fallback={<Skeleton height={minHeight} radius="md" />}>
        <VariableText
          value={field.value}
          onChange={field.set}
          label={label}
          known={known}
          minHeight={minHeight}
        />
      </Suspense>
      <Findings findings={field.findings} />
    </div>
  );
}
