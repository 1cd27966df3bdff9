import { useState } from "react";

import type { Json } from "@/api/agents";

import { isSame } from "../editor/document";

export const written = (value: Json) => JSON.stringify(value, null, 2);

function read(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/**
 * A value as a JSON text that is being typed. What is not JSON yet is kept as it is and not told; when the value is
 * changed from elsewhere (discarded, saved by somebody else) the text follows.
 */
export function useJsonText(value: Json, onChange: (value: Json) => void) {
  const [state, setState] = useState(() => ({ value, text: written(value) }));
  let { text } = state;
  if (!isSame(value, state.value)) {
    const typed = read(text);
    if (typed === undefined || !isSame(typed, value)) text = written(value);
    setState({ value, text });
  }
  const type = (next: string) => {
    const typed = read(next);
    setState({ value: state.value, text: next });
    if (typed !== undefined) onChange(typed);
  };
  return { text, type, isJson: read(text) !== undefined };
}
