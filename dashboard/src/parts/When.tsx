import { Text, type TextProps, Tooltip } from "@mantine/core";
import { useSyncExternalStore } from "react";

import { ago, moment } from "./format";

const TICK_MS = 20_000;

const watchers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now = Date.now() / 1000;

/** One clock for all of them. */
function watchClock(watcher: () => void) {
  watchers.add(watcher);
  if (timer === undefined) {
    now = Date.now() / 1000;
    timer = setInterval(() => {
      now = Date.now() / 1000;
      for (const one of watchers) one();
    }, TICK_MS);
  }
  return () => {
    watchers.delete(watcher);
    if (watchers.size) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** A moment (seconds since 1970): how long ago, as time goes on; in full on hover and focus. */
export function When({ at, ...props }: { at: number } & TextProps) {
  const shown = useSyncExternalStore(watchClock, () => ago(at, now));
  return (
    <Tooltip label={moment(at)}>
      <Text component="time" dateTime={new Date(at * 1000).toISOString()} inherit {...props}>
        {shown}
      </Text>
    </Tooltip>
  );
}
