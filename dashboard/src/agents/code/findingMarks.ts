import { jsonParseLinter } from "@codemirror/lang-json";
import { type Diagnostic, forceLinting, linter, lintGutter } from "@codemirror/lint";
import { StateEffect, StateField } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";

import type { Finding } from "@/api/agents";

import { placeOf } from "./positions";

const knowFindings = StateEffect.define<Finding[]>();

const findings = StateField.define<Finding[]>({
  create: () => [],
  update: (known, transaction) => {
    for (const effect of transaction.effects) if (effect.is(knowFindings)) return effect.value;
    return known;
  },
});

const LEVELS = { error: "error", warning: "warning", note: "info" } as const;

const parse = jsonParseLinter();

function look(view: EditorView): Diagnostic[] {
  const text = view.state.doc.toString();
  const syntax = text.trim() ? parse(view) : [];
  if (syntax.length) return syntax;
  return view.state.field(findings).map(({ level, path, message }) => ({
    ...placeOf(text, path),
    severity: LEVELS[level],
    message,
  }));
}

/** Show findings at their lines; what is no JSON is shown first. */
export const findingMarks = [
  findings,
  linter(look, {
    delay: 300,
    needsRefresh: (update) => update.state.field(findings) !== update.startState.field(findings),
  }),
  lintGutter(),
];

export function showFindings(view: EditorView, found: Finding[]): void {
  view.dispatch({ effects: knowFindings.of(found) });
  forceLinting(view);
}

/** Put the cursor where a finding is. */
export function goTo(view: EditorView, path: string): void {
  const { from } = placeOf(view.state.doc.toString(), path);
  view.dispatch({ selection: { anchor: from }, scrollIntoView: true });
  view.focus();
}
