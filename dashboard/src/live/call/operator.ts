import { useSyncExternalStore } from "react";

const NAME = "parola-operator-name";

const watchers = new Set<() => void>();

function subscribe(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

const read = () => localStorage.getItem(NAME) ?? "";

/** What the operator of this browser is called; "" while they have not said. */
export const useOperator = () => useSyncExternalStore(subscribe, read);

export function setOperator(name: string): void {
  localStorage.setItem(NAME, name.trim());
  for (const watcher of watchers) watcher();
}
