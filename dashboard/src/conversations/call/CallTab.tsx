import { Alert, Grid, Paper, Skeleton, Stack } from "@mantine/core";
import { IconBroadcast } from "@tabler/icons-react";
import { type KeyboardEvent, useCallback, useEffect, useMemo, useState } from "react";
import { Link, useSearchParams } from "react-router";

import { type ConversationRecord, isRunning, useWaveform } from "@/api/conversations";

import { AnswerPanel } from "../timeline/AnswerPanel";
import { Controls } from "../timeline/Controls";
import { type CallModel, callModel } from "../timeline/lanes";
import { Timeline } from "../timeline/Timeline";
import { turnAt } from "../timeline/answers";
import { around, clamped, type View, zoomed } from "../timeline/view";
import { Transcript } from "../transcript/Transcript";
import { CallPlayer } from "./player";

/** Calls that are shorter need no zoom to be read. */
const SHORT = 10;

/** Where a turn begins, with the waiting before it. */
function beginningOf({ answers, moments }: CallModel, turn: number): number {
  const answer = answers.find((one) => one.turn === turn);
  return answer?.from ?? moments[turn] ?? 0;
}

/** A turn with what was waited before or after it. */
function viewOf(model: CallModel, turn: number): View {
  const answer = model.answers.find((one) => one.turn === turn || one.asked === turn);
  const at = model.moments[turn] ?? 0;
  const from = Math.min(at, answer?.from ?? at) - (answer ? 0.6 : 0);
  return around(from, Math.max(at, answer?.to ?? at + 4) + 0.6, model.duration);
}

/** The call itself: timeline, transcript, and why each answer took as long as it did. */
export function CallTab({ record }: { record: ConversationRecord }) {
  const id = record.conversation_id;
  const isLive = isRunning(record.status);
  const hasAudio = record.has_audio && !isLive;
  const waveform = useWaveform(id, record.metadata.call_duration_secs, hasAudio);
  const wave = waveform.data ?? null;
  const model = useMemo(() => callModel(record, wave), [record, wave]);
  const { duration, answers, moments } = model;

  const [params, setParams] = useSearchParams();
  const asked = params.get("turn");
  const selected =
    asked !== null && /^\d+$/.test(asked) && record.transcript[Number(asked)] ? Number(asked) : null;
  const [player] = useState(() => {
    const made = new CallPlayer(id, hasAudio);
    if (selected !== null) made.seek(beginningOf(model, selected));
    return made;
  });
  useEffect(() => player.enter(), [player]);

  // Null is the whole call, however long it grows.
  const [part, setPart] = useState<View | null>(() =>
    selected === null || duration < SHORT ? null : viewOf(model, selected),
  );
  const view = useMemo(() => clamped(part ?? { from: 0, to: duration }, duration), [part, duration]);
  const setView = useCallback(
    (change: (view: View) => View) =>
      setPart((before) => {
        const whole = before ?? { from: 0, to: duration };
        const after = change(whole);
        if (after === whole) return before;
        return after.to - after.from >= duration - 1e-6 ? null : after;
      }),
    [duration],
  );

  const select = useCallback(
    (turn: number | null) =>
      setParams(
        (before) => {
          const after = new URLSearchParams(before);
          if (turn === null) after.delete("turn");
          else after.set("turn", String(turn));
          return after;
        },
        { replace: true },
      ),
    [setParams],
  );
  /** Choose a turn, and bring the timeline to it. */
  const show = useCallback(
    (turn: number | null) => {
      select(turn);
      if (turn === null) return;
      player.seek(beginningOf(model, turn));
      setPart((before) => {
        const wanted = viewOf(model, turn);
        const isInView =
          before &&
          wanted.from >= before.from &&
          wanted.to <= before.to &&
          before.to - before.from < SHORT * 2;
        return isInView || duration < SHORT ? before : wanted;
      });
    },
    [select, model, player, duration],
  );
  const step = (by: number) => {
    const last = selected ?? turnAt(moments, player.now);
    const next = by > 0 ? answers.find((one) => one.turn > last) : answers.findLast((one) => one.turn < last);
    if (next) show(next.turn);
  };
  const zoom = (factor: number) =>
    setView((now) => {
      const { now: at } = player;
      return zoomed(now, factor, at > now.from && at < now.to ? at : (now.from + now.to) / 2, duration);
    });

  const onKey = (event: KeyboardEvent | globalThis.KeyboardEvent) => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const act: Record<string, () => void> = {
      " ": player.toggle,
      ArrowLeft: () => player.seek(player.now - (event.shiftKey ? 1 : 5)),
      ArrowRight: () => player.seek(Math.min(duration, player.now + (event.shiftKey ? 1 : 5))),
      ArrowUp: () => step(-1),
      ArrowDown: () => step(1),
      Home: () => player.seek(0),
      End: () => player.seek(duration),
      "+": () => zoom(0.5),
      "=": () => zoom(0.5),
      "-": () => zoom(2),
      "0": () => setPart(null),
      Escape: () => select(null),
    };
    const doIt = act[event.key];
    if (!doIt) return;
    event.preventDefault();
    doIt();
  };
  useEffect(() => {
    // Where nothing else has the keyboard, space and the side arrows play and seek.
    const pressed = (event: globalThis.KeyboardEvent) => {
      const isFree = event.target === document.body || (event.target as Element | null)?.id === "content";
      if (isFree && [" ", "ArrowLeft", "ArrowRight"].includes(event.key)) onKey(event);
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  });

  return (
    <Stack gap="md">
      {isLive && (
        <Alert color="teal" icon={<IconBroadcast />} title="This conversation is running">
          What there is so far is below and grows as it happens. <Link to={`/live/${id}`}>Watch it live</Link>{" "}
          to listen, to write into it or to take it over.
        </Alert>
      )}
      <Paper pb="sm" style={{ overflow: "hidden" }} component="section" aria-label="Timeline">
        <Controls player={player} duration={duration} zoom={zoom} showAll={() => setPart(null)} step={step} />
        {hasAudio && waveform.isPending ? (
          <Skeleton height={300} mx="sm" w="auto" />
        ) : (
          <Timeline
            model={model}
            wave={wave}
            player={player}
            view={view}
            setView={setView}
            selected={selected}
            select={select}
            onKey={onKey}
          />
        )}
      </Paper>
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 7, lg: 8 }} order={{ base: 2, md: 1 }}>
          <Transcript
            turns={record.transcript}
            model={model}
            player={player}
            selected={selected}
            select={show}
          />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5, lg: 4 }} order={{ base: 1, md: 2 }}>
          <div style={{ position: "sticky", top: 72, maxHeight: "calc(100dvh - 88px)", overflowY: "auto" }}>
            <AnswerPanel record={record} model={model} selected={selected} select={show} />
          </div>
        </Grid.Col>
      </Grid>
    </Stack>
  );
}
