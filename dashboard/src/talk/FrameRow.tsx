import { UnstyledButton } from "@mantine/core";
import { IconArrowDownLeft, IconArrowUpRight, IconPlug } from "@tabler/icons-react";
import { memo } from "react";

import { bytes } from "@/parts/format";

import { type Frame, gist } from "./frames";
import { Json } from "./Json";
import classes from "./Talk.module.css";

const DIRECTIONS = {
  in: { icon: IconArrowDownLeft, label: "received", colour: "var(--mantine-color-ink-text)" },
  out: { icon: IconArrowUpRight, label: "sent", colour: "var(--mantine-color-teal-text)" },
  socket: { icon: IconPlug, label: "socket", colour: "var(--mantine-color-dimmed)" },
};

interface Props {
  frame: Frame;
  isOpen: boolean;
  onToggle: (id: number) => void;
}

/** One frame as a line; opened, all of it. */
export const FrameRow = memo(function FrameRow({ frame, isOpen, onToggle }: Props) {
  const { icon: Arrow, label, colour } = DIRECTIONS[frame.direction];
  return (
    <div className={classes.frame}>
      <UnstyledButton
        className={classes.frameLine}
        fz={12}
        ff="monospace"
        aria-expanded={isOpen}
        onClick={() => onToggle(frame.id)}
      >
        <span className={`${classes.key} numbers`}>{frame.at.toFixed(3)}</span>
        <Arrow size={15} color={colour} aria-label={label} role="img" />
        <span className={classes.frameType}>{frame.type}</span>
        <span className={classes.gist}>
          {frame.audio
            ? `${Math.round(frame.audio.seconds * 1000)} ms, ${bytes(frame.audio.bytes)}`
            : gist(frame)}
        </span>
        <span className={classes.key}>{frame.eventId !== null && `#${frame.eventId}`}</span>
      </UnstyledButton>
      {isOpen && (
        <div className={classes.json}>
          <Json value={frame.message} />
        </div>
      )}
    </div>
  );
});
