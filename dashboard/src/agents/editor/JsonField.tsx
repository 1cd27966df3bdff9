import { Input, Skeleton } from "@mantine/core";
import { lazy, type ReactNode, Suspense } from "react";

import type { Json } from "@/api/agents";

import { useField } from "./draft";
import { Findings, Label } from "./fields";

const JsonBox = lazy(() => import("../code/JsonBox"));

/** A part of the agent that is edited as JSON. */
export function JsonField({
  path,
  label,
  help,
  fallback,
  minHeight = 160,
}: {
  path: string;
  label: string;
  help?: ReactNode;
  fallback: Json;
  minHeight?: number;
}) {
  const field = useField<Json>(path, fallback);
  return (
    <div>
      <Input.Label component="div">
        <Label text={label} isChanged={field.isChanged} />
      </Input.Label>
      {help && <Input.Description component="div">{help}</Input.Description>}
      <div style={{ marginTop: 6 }}>
        <Suspense fallback={<Skeleton height={minHeight} radius="md" />}>
          <JsonBox value={field.value} onChange={field.set} label={label} minHeight={minHeight} />
        </Suspense>
      </div>
      <Findings findings={field.findings} />
    </div>
  );
}
