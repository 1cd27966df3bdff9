import { autocompletion, type CompletionContext } from "@codemirror/autocomplete";
import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, MatchDecorator, ViewPlugin } from "@codemirror/view";

import { isKnownSystemVariable, isSystemVariable, SYSTEM_VARIABLES, VARIABLE } from "../editor/variables";

/** Tell the editor which variables have a value. */
export const knowVariables = StateEffect.define<string[]>();

const known = StateField.define<Set<string>>({
  create: () => new Set(),
  update: (names, transaction) => {
    for (const effect of transaction.effects) if (effect.is(knowVariables)) return new Set(effect.value);
    return names;
  },
});

function look(name: string, view: EditorView) {
  if (isKnownSystemVariable(name)) return "cm-variable cm-variable-system";
  if (isSystemVariable(name) || !view.state.field(known).has(name)) return "cm-variable cm-variable-missing";
  return "cm-variable";
}

const variables = new MatchDecorator({
  regexp: new RegExp(VARIABLE.source, "g"),
  decoration: (match, view) => Decoration.mark({ class: look(match[1] ?? "", view) }),
});

const headings = new MatchDecorator({
  regexp: /^#{1,4} .*$/g,
  decoration: Decoration.mark({ class: "cm-heading" }),
});

const marking = (decorator: MatchDecorator) =>
  ViewPlugin.define<{
    marks: DecorationSet;
    update: (update: import("@codemirror/view").ViewUpdate) => void;
  }>(
    (view) => ({
      marks: decorator.createDeco(view),
      update(update) {
        const isTold = update.transactions.some((one) =>
          one.effects.some((effect) => effect.is(knowVariables)),
        );
        this.marks = isTold ? decorator.createDeco(update.view) : decorator.updateDeco(update, this.marks);
      },
    }),
    { decorations: (plugin) => plugin.marks },
  );

function complete(context: CompletionContext) {
  const typed = context.matchBefore(/\{\{\s*[\w.]*/);
  if (!typed) return null;
  const own = [...context.state.field(known)].map((label) => ({ label, detail: "placeholder" }));
  const system = Object.entries(SYSTEM_VARIABLES).map(([label, info]) => ({ label, info }));
  const options = [...own, ...system].map((option) => ({
    ...option,
    apply: (view: EditorView, _: unknown, from: number, to: number) => {
      const isClosed = view.state.sliceDoc(to, to + 2) === "}}";
      const insert = option.label + (isClosed ? "" : "}}");
      const anchor = from + option.label.length + 2;
      view.dispatch({ changes: { from, to, insert }, selection: { anchor } });
    },
  }));
  return { from: typed.from + typed.text.search(/[\w.]*$/), options };
}

/** `{{variables}}` in their colours, suggested while one is typed; headings stand out. */
export const variableMarks = [
  known,
  marking(variables),
  marking(headings),
  autocompletion({ override: [complete], icons: false }),
];
