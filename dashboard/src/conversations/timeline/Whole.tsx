import { useElementSize } from "@mantine/hooks";
import { type PointerEvent, useEffect, useRef } from "react";

import type { Waveform } from "@/api/conversations";

import { paintWhole } from "./draw";
import type { CallModel } from "./lanes";
import { palette, sharp } from "./palette";
import classes from "./Timeline.module.css";
import { clamped, type View } from "./view";

interface Props {
  model: CallModel;
  wave: Waveform | null;
  view: View;
  setView: (change: (view: View) => View) => void;
  scheme: string;
}

/** The whole call as a strip with a window on what is shown; for pointers, the timeline itself has the keys. */
export function Whole({ model, wave, view, setView, scheme }: Props) {
  const { ref, width, height } = useElementSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const { duration } = model;

  useEffect(() => {
    if (!canvas.current || !width) return;
    const context = sharp(canvas.current, width, height);
    if (context) paintWhole(context, { model, wave, width, height, palette: palette() });
  }, [model, wave, width, height, scheme]);

  const move = (event: PointerEvent<HTMLDivElement>) => {
    if (!event.buttons) return;
    const at =
      ((event.clientX - event.currentTarget.getBoundingClientRect().left) / Math.max(1, width)) * duration;
    setView((now) => {
      const half = (now.to - now.from) / 2;
      return clamped({ from: at - half, to: at + half }, duration);
    });
  };

  return (
    <div
      ref={ref}
      className={classes["whole"]}
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        move(event);
      }}
      onPointerMove={move}
    >
      <canvas ref={canvas} />
      <div
        className={classes["window"]}
        style={{
          left: `${(view.from / duration) * 100}%`,
          width: `max(6px, ${((view.to - view.from) / duration) * 100}%)`,
        }}
      />
    </div>
  );
}
