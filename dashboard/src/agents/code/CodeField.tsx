import { type Extension } from "@codemirror/state";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";

import classes from "./Code.module.css";

interface Props {
  value: string;
  onChange?: (value: string) => void;
  /** What it holds, for who does not see it. */
  label: string;
  /** Read once: a new array does not make a new editor. */
  extensions: Extension[];
  minHeight?: number;
  maxHeight?: number | string;
  /** Told when the editor is there, for who wants to put something into it. */
  onReady?: (view: EditorView) => void;
}

/** A CodeMirror as a field: its text follows `value`, and what is typed is told. */
export default function CodeField({
  value,
  onChange,
  label,
  extensions,
  minHeight = 120,
  maxHeight = "70vh",
  onReady,
}: Props) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const told = useRef({ onChange, onReady });
  const first = useRef({ value, label, extensions, canEdit: Boolean(onChange) });
  useEffect(() => {
    told.current = { onChange, onReady };
  });
  useEffect(() => {
    if (!place.current) return;
    const { value: text, label: name, extensions: given, canEdit } = first.current;
    const made = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          given,
          EditorState.readOnly.of(!canEdit),
          EditorView.contentAttributes.of({
            "aria-label": name,
            role: "textbox",
            "aria-multiline": "true",
            tabindex: "0",
          }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) told.current.onChange?.(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    told.current.onReady?.(made);
    return () => made.destroy();
  }, []);
  useEffect(() => {
    const shown = view.current?.state.doc;
    if (!view.current || !shown || shown.toString() === value) return;
    view.current.dispatch({ changes: { from: 0, to: shown.length, insert: value } });
  }, [value]);
  return (
    <div
      ref={place}
      className={classes.field}
      style={
        {
          "--code-min": `${minHeight}px`,
          "--code-max": typeof maxHeight === "number" ? `${maxHeight}px` : maxHeight,
        } as React.CSSProperties
      }
    />
  );
}
