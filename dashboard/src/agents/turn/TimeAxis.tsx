import { ActionIcon, Box, Group, Text, Tooltip } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { IconPlayerPlayFilled } from "@tabler/icons-react";
import { useId, useState } from "react";

import { SPEAKERS } from "@/parts/colours";

import type { Bar, Scene } from "./scenes";
import classes from "./TimeAxis.module.css";

const LANES = { user: 8, agent: 76 };
const LANE = 30;
const MIDDLE = 57;
const HEIGHT = 158;
const LEFT = 48;

const LOOKS: Record<Bar["look"], string | undefined> = {
  speech: classes.speech,
  thinking: classes.thinking,
  lost: classes.lost,
  filler: classes.filler,
};

/** A scene as a picture that moves with its values; it can be played, to feel how long its pauses are. */
export function TimeAxis({ scene }: { scene: Scene }) {
  const { ref, width } = useElementSize();
  const [isPlaying, setPlaying] = useState(false);
  const clip = useId();
  const length = scene.to - scene.from;
  const scale = Math.max(1, width - LEFT - 8) / length;
  const x = (at: number) => LEFT + (at - scene.from) * scale;
  const ticks = ticksOf(scene);
  return (
    <Box className={classes.frame}>
      <div ref={ref}>
        <svg width="100%" height={HEIGHT} role="img" aria-label={scene.told} className={classes.picture}>
          <defs>
            <clipPath id={clip}>
              <rect x={LEFT} y={0} width={Math.max(0, width - LEFT)} height={HEIGHT} />
            </clipPath>
          </defs>
          {(["user", "agent"] as const).map((lane) => (
            <g key={lane}>
              <text x={0} y={LANES[lane] + 20} className={classes.lane}>
                {lane === "user" ? "User" : "Agent"}
              </text>
              <line
                x1={LEFT}
                x2="100%"
                y1={LANES[lane] + LANE / 2}
                y2={LANES[lane] + LANE / 2}
                className={classes.line}
              />
            </g>
          ))}
          {ticks.map((at) => (
            <text key={at} x={x(at)} y={HEIGHT - 6} className={classes.tick}>
              {at === 0 ? "0 s" : at}
            </text>
          ))}
          <g clipPath={`url(#${clip})`}>
            {scene.bars.map((bar) => (
              <BarOf
                key={bar.id}
                bar={bar}
                x={x(bar.from)}
                width={Math.max(0, (bar.to - bar.from) * scale)}
              />
            ))}
            {scene.stretches.map(({ id, from, to, text }) => (
              <g key={id} className={classes.moving} style={{ transform: `translateX(${x(from)}px)` }}>
                <path
                  d={`M0 ${MIDDLE - 6} v12 M${(to - from) * scale} ${MIDDLE - 6} v12 M0 ${MIDDLE} h${(to - from) * scale}`}
                  className={classes.stretch}
                />
                <text x={(to - from) * scale + 8} y={MIDDLE + 4} className={classes.stretchText}>
                  {text}
                </text>
              </g>
            ))}
            {scene.marks.map(({ id, at, text, isEnd }) => (
              <g key={id} className={classes.moving} style={{ transform: `translateX(${x(at)}px)` }}>
                <line y1={4} y2={112} className={isEnd ? classes.end : classes.mark} />
                <text
                  x={isNearLeft(x(at)) ? 0 : -4}
                  y={126}
                  textAnchor={isNearLeft(x(at)) ? "start" : "end"}
                  className={isEnd ? classes.endText : classes.markText}
                >
                  {text}
                </text>
              </g>
            ))}
            {isPlaying && (
              <g
                className={classes.head}
                style={{
                  animationDuration: `${Math.min(length, 12)}s`,
                  ["--way" as string]: `${width - LEFT}px`,
                }}
                onAnimationEnd={() => setPlaying(false)}
              >
                <rect x={LEFT} y={0} width={width} height={HEIGHT - 24} className={classes.future} />
                <line x1={LEFT} x2={LEFT} y1={0} y2={HEIGHT - 24} className={classes.now} />
              </g>
            )}
          </g>
        </svg>
      </div>
      <Group gap="xs" wrap="nowrap" align="flex-start" mt={4}>
        <Tooltip label="Play it at its real pace">
          <ActionIcon
            variant="light"
            size="sm"
            aria-label="Play it at its real pace"
            onClick={() => setPlaying(true)}
            disabled={isPlaying}
            className={classes.play}
          >
            <IconPlayerPlayFilled size={12} />
          </ActionIcon>
        </Tooltip>
        <Text size="sm">{scene.told}</Text>
      </Group>
    </Box>
  );
}

function BarOf({ bar, x, width }: { bar: Bar; x: number; width: number }) {
  const y = LANES[bar.lane];
  const isRoomy = width > 6 * (bar.text?.length ?? 0) + 10;
  return (
    <g className={classes.moving} style={{ transform: `translateX(${x}px)` }}>
      <rect
        y={y}
        height={LANE}
        rx={6}
        className={`${classes.bar} ${LOOKS[bar.look]}`}
        style={{
          width,
          ["--speaker" as string]: `var(--mantine-color-${SPEAKERS[bar.lane]}-light)`,
          ["--speaker-edge" as string]: `var(--mantine-color-${SPEAKERS[bar.lane]}-filled)`,
        }}
      />
      {bar.text && isRoomy && (
        <text x={8} y={y + 20} className={classes.words}>
          {bar.text}
        </text>
      )}
    </g>
  );
}

/** There is no room for words at the left of this place. */
const isNearLeft = (place: number) => place < LEFT + 110;

/** Whole numbers of seconds, few enough to be read. */
function ticksOf({ from, to }: Scene): number[] {
  const length = to - from;
  const step =
    [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600, 7200, 14400].find((one) => length / one <= 9) ??
    28800;
  const first = Math.ceil(from / step);
  return Array.from(
    { length: Math.max(0, Math.floor(to / step) - first + 1) },
    (_, index) => (first + index) * step,
  );
}
