import { Box, Text, useComputedColorScheme } from "@mantine/core";
import { useElementSize, useMergedRef } from "@mantine/hooks";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";

import type { Waveform } from "@/api/conversations";
import { STEPS as STEP_PAINTS, filled, SPEAKERS } from "@/parts/colours";
import { clock } from "@/parts/format";

import type { CallPlayer } from "../call/player";
import { AXIS, GAP, laneTops, paint } from "./draw";
import { type CallModel, hit, type LaneName, type Span } from "./lanes";
import { palette, sharp } from "./palette";
import classes from "./Timeline.module.css";
import { useGestures } from "./useGestures";
import { digitsOf, following, momentText, tickSeconds, type View } from "./view";
import { Whole } from "./Whole";

const DOTS: Record<LaneName, string> = {
  user: SPEAKERS.user,
  agent: SPEAKERS.agent,
  wait: "gray",
  end_of_turn: STEP_PAINTS.end_of_turn,
  stt: STEP_PAINTS.speech_to_text,
  retrieval: "lime",
  llm: STEP_PAINTS.language_model,
  tts: STEP_PAINTS.text_to_speech,
  tools: STEP_PAINTS.tool,
  events: SPEAKERS.operator,
};

interface Props {
  model: CallModel;
  wave: Waveform | null;
  player: CallPlayer;
  view: View;
  setView: (change: (view: View) => View) => void;
  selected: number | null;
  select: (turn: number) => void;
  onKey: (event: KeyboardEvent) => void;
}

interface Hover {
  x: number;
  y: number;
  at: number;
  span: Span | null;
}

/** The call as lanes over time: who spoke, what was waited for, what was decided. Wheel, drag, pinch and keys. */
export function Timeline({ model, wave, player, view, setView, selected, select, onKey }: Props) {
  const scheme = useComputedColorScheme("light");
  const { ref: measured, width } = useElementSize<HTMLDivElement>();
  const stage = useRef<HTMLDivElement>(null);
  const merged = useMergedRef(measured, stage);
  const canvas = useRef<HTMLCanvasElement>(null);
  const cursor = useRef<HTMLDivElement>(null);
  const [hover, setHover] = useState<Hover | null>(null);
  const second = useSyncExternalStore(player.subscribe, () => Math.floor(player.now));
  const { tops, height } = useMemo(() => laneTops(model.lanes), [model.lanes]);
  const { duration } = model;
  const perPixel = (view.to - view.from) / Math.max(1, width);

  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      if (!canvas.current || !width) return;
      const context = sharp(canvas.current, width, height);
      if (context) paint(context, { model, wave, view, width, height, selected, palette: palette() });
    });
    return () => cancelAnimationFrame(frame);
  }, [model, wave, view, width, height, selected, scheme]);

  useEffect(() => {
    const place = () => {
      const { now } = player;
      if (cursor.current) {
        const x = ((now - view.from) / (view.to - view.from)) * width;
        cursor.current.style.transform = `translateX(${x}px)`;
        cursor.current.style.visibility = x < -1 || x > width + 1 ? "hidden" : "visible";
      }
      if (player.state === "playing") setView((shown) => following(shown, now, duration));
    };
    place();
    return player.subscribe(place);
  }, [player, view, width, duration, setView]);

  const spanAt = (at: number, y: number): Span | null => {
    const lane = tops.findIndex(
      (top, index) => y >= top && y < top + (model.lanes[index]?.height ?? 0) + GAP,
    );
    return lane === -1 ? null : hit(model.lanes[lane]?.spans ?? [], at, perPixel * 6);
  };

  const gestures = useGestures({
    stage,
    view,
    width,
    duration,
    setView,
    clicked: (at, y) => {
      const span = spanAt(at, y);
      if (span?.turn !== null && span !== null) select(span.turn);
      if (player.hasAudio) void player.play(at);
      else player.seek(at);
    },
    hovered: (place) => {
      if (!place) return setHover(null);
      const at = view.from + place.x * perPixel;
      setHover({ ...place, at, span: spanAt(at, place.y) });
    },
  });

  const digits = Math.min(3, digitsOf(tickSeconds(view, width)) + 1);
  return (
    <Box>
      <div className={classes["frame"]}>
        <div className={classes["labels"]} aria-hidden="true" style={{ paddingTop: AXIS }}>
          {model.lanes.map((lane) => (
            <div
              key={lane.name}
              className={classes["label"]}
              style={{ height: lane.height, marginBottom: GAP }}
            >
              <span className={classes["dot"]} style={{ background: filled(DOTS[lane.name]) }} />
              {lane.label}
            </div>
          ))}
        </div>
        <div
          ref={merged}
          className={classes["stage"]}
          style={{ height }}
          role="slider"
          tabIndex={0}
          aria-label="Timeline of the call"
          aria-valuemin={0}
          aria-valuemax={Math.round(duration)}
          aria-valuenow={second}
          aria-valuetext={`${clock(second)} of ${clock(duration)}`}
          aria-describedby="timeline-keys"
          onKeyDown={onKey}
          {...gestures}
        >
          <canvas ref={canvas} />
          {hover && <div className={classes["cross"]} style={{ transform: `translateX(${hover.x}px)` }} />}
          <div ref={cursor} className={classes["cursor"]} />
          {hover && <Tip hover={hover} width={width} height={height} digits={digits} />}
        </div>
        <div
          className={classes["labels"]}
          aria-hidden="true"
          style={{ display: "grid", alignItems: "center" }}
        >
          All of it
        </div>
        <Whole model={model} wave={wave} view={view} setView={setView} scheme={scheme} />
      </div>
      <Text id="timeline-keys" size="xs" c="dimmed" px="sm" pt={8} visibleFrom="sm">
        Click to play from there. Space plays and pauses, ← → seek, ↑ ↓ go from answer to answer, + − zoom, 0
        shows all.
      </Text>
    </Box>
  );
}

function Tip({
  hover,
  width,
  height,
  digits,
}: {
  hover: Hover;
  width: number;
  height: number;
  digits: number;
}) {
  const { span } = hover;
  const isRight = hover.x > width / 2;
  const isLow = hover.y > height / 2;
  const range =
    span && !span.isMark
      ? `${momentText(span.from, 3)} – ${momentText(span.to, 3)}`
      : momentText(span ? span.from : hover.at, span ? 3 : digits);
  return (
    <div
      className={classes["tip"]}
      style={{
        [isRight ? "right" : "left"]: isRight ? width - hover.x + 12 : hover.x + 12,
        [isLow ? "bottom" : "top"]: isLow ? height - hover.y + 12 : hover.y + 12,
      }}
    >
      <div className="numbers" style={{ color: "var(--mantine-color-dimmed)" }}>
        {range}
      </div>
      {span && (
        <>
          <Text size="sm" fw={600} lineClamp={3}>
            {span.title}
          </Text>
          <Text size="xs" c="dimmed" lineClamp={4}>
            {span.detail}
          </Text>
        </>
      )}
    </div>
  );
}
