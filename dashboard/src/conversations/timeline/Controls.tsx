import { ActionIcon, Group, SegmentedControl, Text, Tooltip } from "@mantine/core";
import {
  IconArrowsHorizontal,
  IconChevronLeft,
  IconChevronRight,
  IconPlayerPauseFilled,
  IconPlayerPlayFilled,
  IconZoomIn,
  IconZoomOut,
} from "@tabler/icons-react";
import { type ReactNode, useSyncExternalStore } from "react";

import { clock } from "@/parts/format";

import type { CallPlayer } from "../call/player";

interface Props {
  player: CallPlayer;
  duration: number;
  zoom: (factor: number) => void;
  showAll: () => void;
  step: (by: number) => void;
}

/** Above the timeline: play, where it is, zoom, from answer to answer. */
export function Controls({ player, duration, zoom, showAll, step }: Props) {
  const state = useSyncExternalStore(player.subscribe, () => player.state);
  const rate = useSyncExternalStore(player.subscribe, () => player.rate);
  const second = useSyncExternalStore(player.subscribe, () => Math.floor(player.now));
  const isPlaying = state === "playing";
  return (
    <Group justify="space-between" px="sm" py="xs" gap="xs">
      <Group gap="sm">
        {player.hasAudio && (
          <ActionIcon
            size={36}
            radius="xl"
            variant="filled"
            loading={state === "loading"}
            onClick={player.toggle}
            aria-label={isPlaying ? "Pause" : "Play"}
          >
            {isPlaying ? <IconPlayerPauseFilled size={18} /> : <IconPlayerPlayFilled size={18} />}
          </ActionIcon>
        )}
        <Text className="numbers" fw={600}>
          {clock(second)}
          <Text span c="dimmed" fw={400}>
            {" "}
            / {clock(duration)}
          </Text>
        </Text>
        {player.hasAudio && (
          <SegmentedControl
            size="xs"
            value={String(rate)}
            onChange={(value) => player.setRate(Number(value))}
            data={["1", "1.5", "2"].map((value) => ({ value, label: `${value}×` }))}
            aria-label="Playback speed"
          />
        )}
        {state === "failed" && (
          <Text size="sm" c="red" role="alert">
            {player.problem}
          </Text>
        )}
        {state === "loading" && (
          <Text size="sm" c="dimmed" role="status">
            Fetching the sound
          </Text>
        )}
      </Group>
      <Group gap={4}>
        <Tool label="Previous answer" act={() => step(-1)}>
          <IconChevronLeft size={18} />
        </Tool>
        <Tool label="Next answer" act={() => step(1)}>
          <IconChevronRight size={18} />
        </Tool>
        <Tool label="Zoom out" hint="Ctrl and wheel" act={() => zoom(2)}>
          <IconZoomOut size={18} />
        </Tool>
        <Tool label="Zoom in" hint="Ctrl and wheel" act={() => zoom(0.5)}>
          <IconZoomIn size={18} />
        </Tool>
        <Tool label="Show all of it" act={showAll}>
          <IconArrowsHorizontal size={18} />
        </Tool>
      </Group>
    </Group>
  );
}

interface ToolProps {
  label: string;
  /** Another way to do it. */
  hint?: string;
  act: () => void;
  children: ReactNode;
}

function Tool({ label, hint, act, children }: ToolProps) {
  return (
    <Tooltip label={hint ? `${label} (${hint})` : label}>
      <ActionIcon variant="default" size={32} onClick={act} aria-label={label}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}
