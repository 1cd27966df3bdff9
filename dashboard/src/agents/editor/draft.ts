import { createContext, useCallback, useContext, useMemo, useState } from "react";

import { type Agent, type Finding, type Json, type JsonObject, useLint } from "@/api/agents";
import { useDebouncedValue } from "@mantine/hooks";

import {
  at,
  changedPaths,
  changesBetween,
  documentOf,
  isSame,
  isWithin,
  merged,
  type Path,
  withValue,
} from "./document";

/** An agent being edited: what the server has, what the page has made of it, and what the server thinks of that. */
export interface Draft {
  agent: Agent;
  saved: JsonObject;
  document: JsonObject;
  /** The paths that differ from what the server has, key by key. */
  changed: string[][];
  isDirty: boolean;
  findings: Finding[];
  set: (path: Path, value: Json | undefined) => void;
  replace: (document: JsonObject) => void;
  discard: () => void;
  /** Take out what can be switched on again; what it was is kept until the agent is saved. */
  turnOff: (path: string) => void;
  /** Switch on as it was, or, where nothing is known of that, as is usual. */
  turnOn: (path: string, usual: Json) => void;
}

const DraftContext = createContext<Draft | null>(null);

export const DraftProvider = DraftContext.Provider;

const LINT_PAUSE_MS = 600;

interface State {
  /** What the document was made of. */
  agent: Agent;
  document: JsonObject;
  /** What was switched off, by its path. */
  aside: JsonObject;
}

const begun = (agent: Agent, document: JsonObject): State => ({ agent, document, aside: {} });

/**
 * The draft of an agent. When the server's agent changes meanwhile (it was saved here, or by somebody else), what was
 * changed on this page and is not saved yet is kept and put on top of the new one.
 */
export function useDraftOf(agent: Agent): Draft {
  const [state, setState] = useState(() => begun(agent, documentOf(agent)));
  let { document } = state;
  const saved = useMemo(() => documentOf(agent), [agent]);
  if (agent !== state.agent) {
    document = merged(saved, changesBetween(documentOf(state.agent), document));
    setState(begun(agent, document));
  }
  const changed = useMemo(() => changedPaths(saved, document), [saved, document]);
  const isDirty = changed.length > 0;
  const [settled] = useDebouncedValue(document, LINT_PAUSE_MS);
  const lint = useLint(settled, isSame(settled, saved));
  const edit = useCallback(
    (change: (document: JsonObject) => JsonObject) =>
      setState((old) => ({ ...old, document: change(old.document) })),
    [],
  );
  return useMemo(
    () => ({
      agent,
      saved,
      document,
      changed,
      isDirty,
      findings: lint.data ?? [],
      set: (path, value) => edit((old) => withValue(old, path, value)),
      replace: (next) => edit(() => next),
      discard: () => setState(begun(agent, saved)),
      turnOff: (path) =>
        setState((old) => ({
          ...old,
          document: withValue(old.document, path, null),
          aside: { ...old.aside, [path]: at(old.document, path) ?? null },
        })),
      turnOn: (path, usual) =>
        setState((old) => ({ ...old, document: withValue(old.document, path, old.aside[path] ?? usual) })),
    }),
    [agent, saved, document, changed, isDirty, lint.data, edit],
  );
}

export function useDraft(): Draft {
  const draft = useContext(DraftContext);
  if (!draft) throw new Error("This part belongs into the editor of an agent.");
  return draft;
}

export interface Field<T> {
  value: T;
  set: (value: T | undefined) => void;
  isChanged: boolean;
  /** What the server says of this path and of what is in it. */
  findings: Finding[];
}

/** One setting by its path; `fallback` is what holds when the document does not say. */
export function useField<T extends Json>(path: string, fallback: T): Field<T> {
  const { document, changed, findings, set } = useDraft();
  return {
    value: (at(document, path) ?? fallback) as T,
    set: (value) => set(path, value),
    isChanged: changed.map((one) => one.join(".")).some((one) => isWithin(one, path) || isWithin(path, one)),
    findings: findings.filter((finding) => isWithin(finding.path, path)),
  };
}
