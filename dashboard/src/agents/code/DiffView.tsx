import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useMediaQuery } from "@mantine/hooks";
import { useEffect, useRef } from "react";

import type { JsonObject } from "@/api/agents";

import classes from "../views/views.module.css";
import { jsonLook } from "./setup";
import { written } from "./useJsonText";

const COLLAPSED = { margin: 3, minSize: 6 };

const readOnly = (label: string) => [
  jsonLook,
  EditorView.lineWrapping,
  EditorState.readOnly.of(true),
  EditorView.contentAttributes.of({
    "aria-label": label,
    role: "textbox",
    "aria-multiline": "true",
    tabindex: "0",
  }),
];

/** Two documents and what differs: side by side, or one in the other where there is no room. */
export default function DiffView({
  before,
  after,
  labels,
}: {
  before: JsonObject;
  after: JsonObject;
  labels: [string, string];
}) {
  const place = useRef<HTMLDivElement>(null);
  const isNarrow = useMediaQuery("(max-width: 75em)");
  const [one, other] = [written(sorted(before, after)), written(after)];
  const [first, second] = labels;
  useEffect(() => {
    const parent = place.current;
    if (!parent) return;
    const made = isNarrow
      ? new EditorView({
          parent,
          doc: other,
          extensions: [
            readOnly(`${first}, and what ${second} changes`),
            unifiedMergeView({ original: one, mergeControls: false, collapseUnchanged: COLLAPSED }),
          ],
        })
      : new MergeView({
          parent,
          a: { doc: one, extensions: readOnly(first) },
          b: { doc: other, extensions: readOnly(second) },
          collapseUnchanged: COLLAPSED,
          gutter: false,
        });
    return () => made.destroy();
  }, [one, other, first, second, isNarrow]);
  return <div ref={place} className={classes.diff} />;
}

/** The order of keys means nothing: both are written in that of the second, so that only real differences show. */
function sorted(value: JsonObject, like: JsonObject): JsonObject {
  const keys = [
    ...Object.keys(like).filter((key) => key in value),
    ...Object.keys(value).filter((key) => !(key in like)),
  ];
  return Object.fromEntries(
    keys.map((key) => {
      const [own, other] = [value[key] ?? null, like[key]];
      const areObjects =
        typeof own === "object" &&
        own !== null &&
        !Array.isArray(own) &&
        typeof other === "object" &&
        other !== null &&
        !Array.isArray(other);
      return [key, areObjects ? sorted(own, other) : own];
    }),
  );
}
