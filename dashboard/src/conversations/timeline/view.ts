/** Which part of a call is shown: zooming and panning, in seconds. */

export interface View {
  from: number;
  to: number;
}

/** Nobody needs to see less than this at once. */
export const SHORTEST = 0.5;

/** Inside the call, and no shorter than can be read. */
export function clamped(view: View, duration: number): View {
  const length = Math.min(duration, Math.max(SHORTEST, view.to - view.from));
  const from = Math.min(Math.max(0, view.from), duration - length);
  return { from, to: from + length };
}

/** Closer (`factor` below 1) or further, with the moment `at` staying where it is. */
export function zoomed(view: View, factor: number, at: number, duration: number): View {
  const length = Math.min(duration, Math.max(SHORTEST, (view.to - view.from) * factor));
  const place = (at - view.from) / (view.to - view.from);
  const from = at - place * length;
  return clamped({ from, to: from + length }, duration);
}

export const panned = (view: View, seconds: number, duration: number): View =>
  clamped({ from: view.from + seconds, to: view.to + seconds }, duration);

/** The same length, moved just far enough that the moment is well inside. */
export function following(view: View, at: number, duration: number): View {
  const length = view.to - view.from;
  if (at >= view.from && at <= view.to - length * 0.05) return view;
  return clamped({ from: at - length * 0.1, to: at + length * 0.9 }, duration);
}

/** So that this stretch fills the better part of the view. */
export function around(from: number, to: number, duration: number): View {
  const room = Math.max(0.4, (to - from) * 0.35);
  return clamped({ from: from - room, to: to + room }, duration);
}

const STEPS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

/** Seconds between the marks of the axis: round, and never closer than `room` pixels. */
export function tickSeconds(view: View, width: number, room = 84): number {
  const least = ((view.to - view.from) / Math.max(1, width)) * room;
  return STEPS.find((step) => step >= least) ?? 3600;
}

/** Digits behind the point that marks of this distance need. */
export const digitsOf = (step: number) => (step >= 1 ? 0 : step === 0.5 || step === 0.1 ? 1 : 2);

/** 75.25, 2 -> "1:15.25". */
export function momentText(at: number, digits: number): string {
  const unit = 10 ** digits;
  const total = Math.round(at * unit) / unit;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = (total % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}
