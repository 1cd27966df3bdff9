import { Button, Group, Paper, Slider, Stack, Text, Title } from "@mantine/core";
import {
  IconEar,
  IconEarOff,
  IconMicrophone,
  IconMicrophoneOff,
  IconVolume,
  IconVolumeOff,
} from "@tabler/icons-react";
import { useEffect, useRef } from "react";

import { filled, SPEAKERS } from "@/parts/colours";

import classes from "../call/Call.module.css";
import type { Side, SoundLine } from "./SoundLine";
import type { Sound } from "./useSound";

const SIDES: { side: Side; label: string }[] = [
  { side: "user", label: "Caller" },
  { side: "agent", label: "Agent" },
];

/** Both sides of a voice call, to be heard: how loud each is, and how loud it shall be. */
export function SoundPanel({ sound }: { sound: Sound }) {
  const { line, isSpeaking, isMuted, volumes } = sound;
  return (
    <Paper p="md" component="section" aria-label="Sound">
      <Group justify="space-between" mb={line ? "sm" : 4} wrap="nowrap">
        <Title order={2} fz="md">
          Sound
        </Title>
        {!isSpeaking && (
          <Button
            size="xs"
            variant={line ? "default" : "light"}
            leftSection={line ? <IconEarOff size={15} /> : <IconEar size={15} />}
            onClick={line ? sound.stop : sound.listen}
          >
            {line ? "Stop listening" : "Listen"}
          </Button>
        )}
      </Group>
      {!line && (
        <Text size="sm" c="dimmed">
          Hear both sides as they speak. Neither notices.
        </Text>
      )}
      {line && (
        <Stack gap="sm">
          {SIDES.map(({ side, label }) => (
            <div key={side}>
              <Group justify="space-between" gap="xs" mb={4}>
                <Text size="sm">{label}</Text>
                <Group gap={6} wrap="nowrap" w={150} c="dimmed">
                  {volumes[side] ? <IconVolume size={15} /> : <IconVolumeOff size={15} />}
                  <Slider
                    flex={1}
                    size="xs"
                    min={0}
                    max={1.5}
                    step={0.05}
                    label={(value) => `${Math.round(value * 100)} %`}
                    value={volumes[side]}
                    onChange={(value) => sound.setVolume(side, value)}
                    thumbLabel={`Volume of the ${label.toLowerCase()}`}
                  />
                </Group>
              </Group>
              <Meter line={line} side={side} label={label} colour={SPEAKERS[side]} />
            </div>
          ))}
          {isSpeaking && (
            <div>
              <Group justify="space-between" gap="xs" mb={4}>
                <Text size="sm">You</Text>
                <Button
                  size="compact-sm"
                  variant={isMuted ? "filled" : "default"}
                  color={isMuted ? "red" : undefined}
                  aria-pressed={isMuted}
                  leftSection={isMuted ? <IconMicrophoneOff size={15} /> : <IconMicrophone size={15} />}
                  onClick={() => sound.mute(!isMuted)}
                >
                  {isMuted ? "Muted" : "Mute"}
                </Button>
              </Group>
              <Meter line={line} side="own" label="You" colour={SPEAKERS.operator} />
            </div>
          )}
        </Stack>
      )}
    </Paper>
  );
}

interface MeterProps {
  line: SoundLine;
  side: Side | "own";
  label: string;
  colour: string;
}

/** How loud a side is, drawn outside React. */
function Meter({ line, side, label, colour }: MeterProps) {
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let request = 0;
    let level = 0;
    const draw = () => {
      const now = line.level(side);
      level = now > level ? now : level + (now - level) * 0.2;
      bar.current?.setAttribute("aria-valuenow", String(Math.round(level * 100)));
      if (side !== "own") bar.current?.setAttribute("data-heard", line.heard(side).toFixed(1));
      const mark = bar.current?.firstElementChild;
      if (mark instanceof HTMLElement) mark.style.transform = `scaleX(${level.toFixed(3)})`;
      request = requestAnimationFrame(draw);
    };
    request = requestAnimationFrame(draw);
    return () => cancelAnimationFrame(request);
  }, [line, side]);
  return (
    <div
      ref={bar}
      className={classes["meter"]}
      role="meter"
      aria-label={`Loudness: ${label}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={0}
    >
      <div style={{ background: filled(colour) }} />
    </div>
  );
}
