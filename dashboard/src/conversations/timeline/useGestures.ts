import { type PointerEvent as ReactPointerEvent, useEffect, useRef } from "react";

import { panned, type View, zoomed } from "./view";

interface Wanted {
  stage: React.RefObject<HTMLDivElement | null>;
  view: View;
  width: number;
  duration: number;
  setView: (change: (view: View) => View) => void;
  /** A click or tap that moved nothing. */
  clicked: (at: number, y: number) => void;
  /** The pointer is over this moment; null: it has left. */
  hovered: (place: { x: number; y: number } | null) => void;
}

/** Moved further than this, it was no click. */
const STILL = 4;

/** Drag and pinch on the timeline; the wheel with Ctrl or ⌘ (a pinch on a touchpad is that too), sideways or with Shift. */
export function useGestures({ stage, view, width, duration, setView, clicked, hovered }: Wanted) {
  const pointers = useRef(new Map<number, { x: number; y: number }>());
  const moved = useRef(0);

  useEffect(() => {
    const element = stage.current;
    if (!element) return;
    const wheel = (event: WheelEvent) => {
      const isZoom = event.ctrlKey || event.metaKey;
      const isSideways = !isZoom && (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey);
      // A plain wheel scrolls the page, whatever is below the pointer; so does one for which there is nothing to move.
      const isWhole = view.to - view.from >= duration - 1e-6;
      if (!isZoom && (!isSideways || isWhole)) return;
      event.preventDefault();
      const seconds = (view.to - view.from) / Math.max(1, width);
      if (isSideways) {
        const by = (event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX) * seconds;
        setView((now) => panned(now, by, duration));
      } else {
        const at = view.from + (event.clientX - element.getBoundingClientRect().left) * seconds;
        setView((now) =>
          zoomed(now, Math.exp(Math.min(40, Math.max(-40, event.deltaY)) * 0.01), at, duration),
        );
      }
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  }, [stage, view, width, duration, setView]);

  const place = (event: ReactPointerEvent<HTMLDivElement>) => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const seconds = (view.to - view.from) / Math.max(1, width);

  return {
    onPointerDown: (event: ReactPointerEvent<HTMLDivElement>) => {
      if (event.button !== 0) return;
      if (!pointers.current.size) moved.current = 0;
      pointers.current.set(event.pointerId, place(event));
      event.currentTarget.setPointerCapture(event.pointerId);
    },
    onPointerMove: (event: ReactPointerEvent<HTMLDivElement>) => {
      const here = place(event);
      const before = pointers.current.get(event.pointerId);
      if (!before) {
        hovered(event.pointerType === "mouse" ? here : null);
        return;
      }
      const others = [...pointers.current].filter(([id]) => id !== event.pointerId);
      const other = others[0]?.[1];
      pointers.current.set(event.pointerId, here);
      moved.current += Math.abs(here.x - before.x);
      if (moved.current <= STILL) return;
      hovered(null);
      if (other) {
        const factor = Math.max(8, Math.abs(before.x - other.x)) / Math.max(8, Math.abs(here.x - other.x));
        setView((now) => zoomed(now, factor, now.from + ((here.x + other.x) / 2) * seconds, duration));
      } else {
        setView((now) => panned(now, (before.x - here.x) * seconds, duration));
      }
    },
    onPointerUp: (event: ReactPointerEvent<HTMLDivElement>) => {
      const was = pointers.current.delete(event.pointerId);
      if (was && !pointers.current.size && moved.current <= STILL) {
        const { x, y } = place(event);
        clicked(view.from + x * seconds, y);
      }
    },
    onPointerCancel: (event: ReactPointerEvent<HTMLDivElement>) => {
      pointers.current.delete(event.pointerId);
    },
    onPointerLeave: () => hovered(null),
  };
}
