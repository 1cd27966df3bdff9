import { EditorView } from "@codemirror/view";
import { useEffect, useState } from "react";

import CodeField from "./CodeField";
import { textSetup } from "./setup";
import { knowVariables, variableMarks } from "./variableMarks";

const EXTENSIONS = [textSetup, variableMarks];

/** A text of the agent in which `{{variables}}` may stand; those without a value are underlined. */
export default function VariableText({
  value,
  onChange,
  label,
  known,
  minHeight,
}: {
  value: string;
  onChange: (value: string) => void;
  label: string;
  /** Variables that have a value. */
  known: string[];
  minHeight: number;
}) {
  const [view, setView] = useState<EditorView | null>(null);
  const names = known.join(" ");
  useEffect(() => {
    view?.dispatch({ effects: knowVariables.of(names ? names.split(" ") : []) });
  }, [view, names]);
  return (
    <CodeField
      value={value}
      onChange={onChange}
      label={label}
      extensions={EXTENSIONS}
      minHeight={minHeight}
      maxHeight="60vh"
      onReady={setView}
    />
  );
}
