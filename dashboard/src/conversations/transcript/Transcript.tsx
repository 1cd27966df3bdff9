import { Paper, Text } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";

import type { Turn } from "@/api/conversations";

import type { CallPlayer } from "../call/player";
import { turnAt } from "../timeline/answers";
import type { CallModel } from "../timeline/lanes";
import classes from "./Transcript.module.css";
import { TurnRow } from "./TurnRow";

interface Props {
  turns: Turn[];
  model: CallModel;
  player: CallPlayer;
  selected: number | null;
  select: (turn: number) => void;
}

/** All that was said and done, in order; only what is in view is there. It follows what is played. */
export const Transcript = memo(function Transcript({ turns, model, player, selected, select }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const current = useSyncExternalStore(player.subscribe, () =>
    player.state === "idle" ? -1 : turnAt(model.moments, player.now),
  );
  const rows = useVirtualizer({
    count: turns.length,
    getScrollElement: () => box.current,
    estimateSize: () => 76,
    overscan: 5,
    useFlushSync: false,
  });
  const answers = useMemo(
    () => new Map(model.answers.map((answer) => [answer.turn, answer])),
    [model.answers],
  );

  useEffect(() => {
    if (selected !== null) rows.scrollToIndex(selected, { align: "center" });
  }, [rows, selected]);
  useEffect(() => {
    if (current >= 0 && player.state === "playing") rows.scrollToIndex(current, { align: "center" });
  }, [rows, current, player]);

  const toggle = useCallback((id: string) => {
    setOpened((before) => {
      const after = new Set(before);
      if (!after.delete(id)) after.add(id);
      return after;
    });
  }, []);
  const playFrom = useCallback((at: number) => void player.play(at), [player]);

  if (!turns.length)
    return (
      <Paper p="lg">
        <Text c="dimmed">Nothing has been said, or what was said is not kept.</Text>
      </Paper>
    );
  return (
    <Paper>
      <div
        ref={box}
        className={classes["box"]}
        style={{ height: "max(420px, calc(100dvh - 150px))" }}
        tabIndex={0}
        role="region"
        aria-label="Transcript"
      >
        <div style={{ height: rows.getTotalSize(), position: "relative" }}>
          {rows.getVirtualItems().map((row) => {
            const turn = turns[row.index];
            if (!turn) return null;
            return (
              <div
                key={row.key}
                ref={rows.measureElement}
                data-index={row.index}
                className={classes["row"]}
                style={{ transform: `translateY(${row.start}px)` }}
              >
                <TurnRow
                  turn={turn}
                  index={row.index}
                  at={model.moments[row.index] ?? 0}
                  answer={answers.get(row.index) ?? null}
                  isSelected={row.index === selected}
                  isCurrent={row.index === current}
                  opened={opened}
                  toggle={toggle}
                  select={select}
                  playFrom={playFrom}
                />
              </div>
            );
          })}
        </div>
      </div>
    </Paper>
  );
});
