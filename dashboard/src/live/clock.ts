import { useSyncExternalStore } from "react";

import { clock } from "@/parts/format";

/** One clock for everything that ticks on the page: a hundred timers would draw a hundred times a second. */
const watchers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now = Math.floor(Date.now() / 1000);

function subscribe(watcher: () => void): () => void {
  watchers.add(watcher);
  timer ??= setInterval(() => {
    now = Math.floor(Date.now() / 1000);
    for (const one of watchers) one();
  }, 1000);
  return () => {
    watchers.delete(watcher);
    if (watchers.size) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** Seconds since 1970, every second. */
export const useNow = () => useSyncExternalStore(subscribe, () => now);

/** How long something has been going on, as "1:15". */
export function Since({ at }: { at: number }) {
  return clock(useNow() - at);
}
