import { useConversationControls } from "@elevenlabs/react";
import { Box, Group, Text } from "@mantine/core";
import { type RefObject, useEffect, useRef } from "react";

import { filled, SPEAKERS } from "@/parts/colours";

import classes from "./Talk.module.css";

export type OrbState = "idle" | "starting" | "listening" | "user" | "thinking" | "ready" | "agent" | "ended";

/** How loud a voice must be to count as speaking; below are rooms and fans. */
const SPEAKING = 0.12;

/** The client's volumes are means over all frequencies: speech seldom comes above a half. */
const louder = (volume: number) => Math.min(1, volume * 2.2);

interface Props {
  state: OrbState;
  isLive: boolean;
  onUserSpeaks: (speaks: boolean) => void;
}

/** Both voices, as loud as they are right now: an orb to look at, and a bar for each. */
export function Orb({ state, isLive, onUserSpeaks }: Props) {
  const { getInputVolume, getOutputVolume } = useConversationControls();
  const orb = useRef<HTMLDivElement>(null);
  const user = useRef<HTMLDivElement>(null);
  const agent = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!isLive) return;
    let request = 0;
    let quiet = 0;
    let speaks = false;
    const levels = { user: 0, agent: 0 };
    const show = (bar: HTMLDivElement | null, level: number) => {
      if (!bar) return;
      bar.setAttribute("aria-valuenow", String(Math.round(level * 100)));
      const mark = bar.firstElementChild;
      if (mark instanceof HTMLElement) mark.style.transform = `scaleX(${level.toFixed(3)})`;
    };
    const draw = () => {
      levels.user += (louder(getInputVolume()) - levels.user) * 0.35;
      levels.agent += (louder(getOutputVolume()) - levels.agent) * 0.35;
      orb.current?.style.setProperty("--user", levels.user.toFixed(3));
      orb.current?.style.setProperty("--agent", levels.agent.toFixed(3));
      show(user.current, levels.user);
      show(agent.current, levels.agent);
      quiet = levels.user > SPEAKING ? 0 : quiet + 1;
      const now = quiet < 18 && (speaks || quiet === 0);
      if (now !== speaks) onUserSpeaks((speaks = now));
      request = requestAnimationFrame(draw);
    };
    request = requestAnimationFrame(draw);
    const [orbNow, bars] = [orb.current, [user.current, agent.current]];
    return () => {
      cancelAnimationFrame(request);
      onUserSpeaks(false);
      orbNow?.style.setProperty("--user", "0");
      orbNow?.style.setProperty("--agent", "0");
      for (const bar of bars) show(bar, 0);
    };
  }, [isLive, getInputVolume, getOutputVolume, onUserSpeaks]);

  return (
    <Box>
      <div ref={orb} className={classes.orb} data-state={state} aria-hidden="true">
        <div className={classes.halo} />
        <div className={classes.ring} />
        <div className={classes.core} />
      </div>
      {isLive && (
        <Group gap={10} wrap="nowrap" mt={4}>
          <Level label="You" colour={SPEAKERS.user} ref={user} />
          <Level label="Agent" colour={SPEAKERS.agent} ref={agent} />
        </Group>
      )}
    </Box>
  );
}

interface LevelProps {
  label: string;
  colour: string;
  ref: RefObject<HTMLDivElement | null>;
}

function Level({ label, colour, ref }: LevelProps) {
  return (
    <Box flex={1}>
      <Text fz={11} c="dimmed" ta="center" aria-hidden="true">
        {label}
      </Text>
      <div
        ref={ref}
        className={classes.level}
        role="meter"
        aria-label={`Loudness: ${label}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={0}
      >
        <div style={{ background: filled(colour) }} />
      </div>
    </Box>
  );
}
