import { Text } from "@mantine/core";
import { useState } from "react";

import type { Json } from "@/api/agents";

import { isSame } from "../editor/document";
import CodeField from "./CodeField";
import { jsonSetup } from "./setup";

const EXTENSIONS = [jsonSetup];

const written = (value: Json) => JSON.stringify(value, null, 2);

function read(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** A value edited as JSON. What is not JSON yet stays in the box and is not told. */
export default function JsonBox({
  value,
  onChange,
  label,
  minHeight = 160,
}: {
  value: Json;
  onChange: (value: Json) => void;
  label: string;
  minHeight?: number;
}) {
  const [state, setState] = useState(() => ({ value, text: written(value) }));
  let { text } = state;
  if (!isSame(value, state.value)) {
    // It was changed from elsewhere: discarded, for example. What was typed here is there already.
    const typed = read(text);
    if (typed === undefined || !isSame(typed, value)) text = written(value);
    setState({ value, text });
  }
  const type = (next: string) => {
    const typed = read(next);
    setState({ value: typed ?? state.value, text: next });
    if (typed !== undefined) onChange(typed);
  };
  return (
    <div>
      <CodeField value={text} onChange={type} label={label} extensions={EXTENSIONS} minHeight={minHeight} />
      {read(text) === undefined && (
        <Text size="sm" c="red" mt={6} role="alert">
          This is not JSON yet; it is not part of the changes until it is.
        </Text>
      )}
    </div>
  );
}
