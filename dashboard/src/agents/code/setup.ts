import { closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import {
  bracketMatching,
  codeFolding,
  foldGutter,
  foldKeymap,
  HighlightStyle,
  indentOnInput,
  syntaxHighlighting,
} from "@codemirror/language";
import { type Extension } from "@codemirror/state";
import { EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** Colours of code, by variables of the page: they follow the scheme. */
const look = EditorView.theme({
  "&": { fontSize: "13px", backgroundColor: "transparent", color: "var(--mantine-color-text)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mantine-font-family-monospace)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--mantine-color-text)", padding: "10px 0" },
  ".cm-line": { padding: "0 12px" },
  ".cm-cursor": { borderLeftColor: "var(--mantine-color-text)" },
  ".cm-gutters": {
    backgroundColor: "transparent",
    color: "var(--mantine-color-dimmed)",
    border: "none",
    paddingLeft: "4px",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--mantine-color-default-hover)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--mantine-primary-color-light-hover)",
  },
  ".cm-matchingBracket": {
    backgroundColor: "var(--mantine-primary-color-light-hover) !important",
    color: "inherit !important",
  },
  ".cm-tooltip": {
    border: "1px solid var(--mantine-color-default-border)",
    borderRadius: "8px",
    backgroundColor: "var(--mantine-color-body)",
    color: "var(--mantine-color-text)",
    overflow: "hidden",
  },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    backgroundColor: "var(--mantine-primary-color-filled)",
    color: "var(--mantine-primary-color-contrast)",
  },
  ".cm-variable": {
    borderRadius: "4px",
    padding: "1px 2px",
    backgroundColor: "var(--mantine-color-teal-light)",
    color: "var(--mantine-color-teal-light-color)",
  },
  ".cm-variable-system": {
    backgroundColor: "var(--mantine-primary-color-light)",
    color: "var(--mantine-primary-color-light-color)",
  },
  ".cm-variable-missing": {
    backgroundColor: "var(--mantine-color-orange-light)",
    color: "var(--mantine-color-orange-light-color)",
    textDecoration: "underline wavy",
    textUnderlineOffset: "3px",
  },
  ".cm-heading": { fontWeight: "700" },
  ".cm-foldPlaceholder": {
    backgroundColor: "var(--mantine-color-default-hover)",
    border: "none",
    color: "var(--mantine-color-dimmed)",
  },
});

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--code-name)" },
  { tag: tags.string, color: "var(--code-text)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-value)" },
  { tag: tags.punctuation, color: "var(--mantine-color-dimmed)" },
]);

const common: Extension[] = [
  history(),
  // Tab stays the browser's, so that the keyboard can leave the field.
  keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap]),
  look,
  syntaxHighlighting(colours),
];

/** Running text, wrapped. */
export const textSetup: Extension[] = [...common, EditorView.lineWrapping];

/** JSON to be read. */
export const jsonLook: Extension[] = [
  json(),
  look,
  syntaxHighlighting(colours),
  lineNumbers(),
  codeFolding(),
];

/** JSON to be written. */
export const jsonSetup: Extension[] = [
  ...common,
  json(),
  lineNumbers(),
  foldGutter(),
  bracketMatching(),
  closeBrackets(),
  indentOnInput(),
  highlightActiveLine(),
  EditorView.lineWrapping,
];
