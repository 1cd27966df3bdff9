/** Paints the timeline on a canvas: what lies in view, and nothing else. */

import type { Waveform } from "@/api/conversations";

import { type CallModel, type Lane, type Span, STEP_COLOURS, within } from "./lanes";
import { digitsOf, momentText, tickSeconds, type View } from "./view";

export const AXIS = 22;
export const GAP = 4;

/** Colours of the page as the canvas needs them. */
export interface Palette {
  of: (name: string) => string;
  text: string;
  dimmed: string;
  line: string;
  lane: string;
  body: string;
}

/** Where each lane begins, and how high all are together. */
export function laneTops(lanes: readonly Lane[]): { tops: number[]; height: number } {
  let top = AXIS;
  const tops = lanes.map((lane) => {
    const here = top;
    top += lane.height + GAP;
    return here;
  });
  return { tops, height: top };
}

export interface Scene {
  model: CallModel;
  wave: Waveform | null;
  view: View;
  width: number;
  height: number;
  palette: Palette;
  /** The turn whose parts stand out. */
  selected: number | null;
}

/** Seconds in a pixel from which on the steps of an answer cannot be told apart. */
const FAR = 0.4;

/** So many seconds of waiting fill the lane. */
const FULL_HEIGHT = 3;

const FONT = "11px ui-sans-serif, system-ui, -apple-system, 'Segoe UI', sans-serif";

export function paint(context: CanvasRenderingContext2D, scene: Scene): void {
  const { model, view, width, height, palette } = scene;
  const scale = width / (view.to - view.from);
  const x = (at: number) => (at - view.from) * scale;
  context.clearRect(0, 0, width, height);
  context.font = FONT;
  context.textBaseline = "middle";
  const { tops } = laneTops(model.lanes);
  axis(context, scene, x);
  model.lanes.forEach((lane, index) => {
    const top = tops[index] ?? 0;
    context.fillStyle = palette.lane;
    box(context, 0, top, width, lane.height, 4);
    const spans = within(lane.spans, view.from, view.to);
    const isSpeech = lane.name === "user" || lane.name === "agent";
    if (isSpeech) speech(context, scene, lane, spans, top, x);
    else bars(context, scene, lane, spans, top, x);
  });
}

function axis(context: CanvasRenderingContext2D, scene: Scene, x: (at: number) => number) {
  const { view, width, height, palette, model } = scene;
  const step = tickSeconds(view, width);
  context.strokeStyle = palette.line;
  context.fillStyle = palette.dimmed;
  context.lineWidth = 1;
  context.textAlign = "left";
  context.beginPath();
  for (let tick = Math.ceil(view.from / step); tick * step <= Math.min(view.to, model.duration); tick++) {
    const at = Math.round(x(tick * step)) + 0.5;
    context.moveTo(at, AXIS - 6);
    context.lineTo(at, height);
    if (at < width - 30) context.fillText(momentText(tick * step, digitsOf(step)), at + 4, AXIS / 2 - 1);
  }
  context.stroke();
}

function speech(
  context: CanvasRenderingContext2D,
  scene: Scene,
  lane: Lane,
  spans: Span[],
  top: number,
  x: (at: number) => number,
) {
  const { palette, selected, wave } = scene;
  const points = wave && (lane.name === "user" ? wave.user : wave.agent);
  const strip = points ? 15 : lane.height;
  for (const one of spans) {
    const isSelected = one.turn === selected;
    const left = x(one.from);
    const wide = Math.max(one.isMark ? 4 : 2, x(one.to) - left);
    context.globalAlpha = one.isPale ? 0.1 : isSelected ? 0.34 : 0.17;
    context.fillStyle = palette.of(one.colour);
    box(context, left, top, wide, lane.height, 4);
    context.globalAlpha = 1;
    if (wide > 5 || isSelected) context.fillRect(left, top, isSelected ? 3 : 2, lane.height);
    // What begins before the view keeps its words in sight.
    const seen = Math.max(left, 0);
    const room = Math.min(left + wide, scene.width) - seen - 9;
    if (one.text && room > 25) {
      inside(context, one.text, seen + 6, top + strip / 2, room, palette.text);
    } else if (one.text && one.isMark && scene.view.to - scene.view.from < 30) {
      inside(context, one.text, left + 8, top + strip / 2, 120, palette.text);
    }
  }
  if (wave && points?.length) waveform(context, scene, points, lane, top + strip, lane.height - strip, x);
}

function waveform(
  context: CanvasRenderingContext2D,
  scene: Scene,
  points: readonly number[],
  lane: Lane,
  top: number,
  tall: number,
  x: (at: number) => number,
) {
  const { wave, view, width, palette } = scene;
  if (!wave) return;
  const perPoint = wave.duration_secs / points.length;
  const middle = top + tall / 2;
  context.fillStyle = palette.of(lane.name === "user" ? "teal" : "ink");
  const column = Math.max(1, Math.floor(x(view.from + perPoint)));
  const bar = column >= 4 ? column - 1 : column;
  for (let left = 0; left < width; left += column) {
    const from = view.from + (left / width) * (view.to - view.from);
    const to = view.from + ((left + column) / width) * (view.to - view.from);
    const last = Math.min(points.length - 1, Math.floor(to / perPoint));
    let loudest = 0;
    for (let point = Math.max(0, Math.floor(from / perPoint)); point <= last; point++) {
      const value = points[point] ?? 0;
      if (value > loudest) loudest = value;
    }
    // Speech lies far below full scale: the root makes it visible without making noise loud.
    const half = Math.max(0.5, (Math.sqrt(loudest) * (tall - 4)) / 2);
    context.fillRect(left, middle - half, bar, half * 2);
  }
}

function bars(
  context: CanvasRenderingContext2D,
  scene: Scene,
  lane: Lane,
  spans: Span[],
  top: number,
  x: (at: number) => number,
) {
  const { palette, selected, view, width } = scene;
  if (lane.name === "wait" && (view.to - view.from) / width > FAR) {
    heights(context, scene, lane, top, x);
    return;
  }
  const marks: Span[] = [];
  for (const one of spans) {
    if (one.isMark) {
      marks.push(one);
      continue;
    }
    const left = x(one.from);
    const wide = Math.max(1.5, x(one.to) - left);
    context.globalAlpha = (one.isPale ? 0.45 : 1) * (selected === null || one.turn === selected ? 1 : 0.75);
    context.fillStyle = palette.of(one.colour);
    if (wide > 6) box(context, left, top + 2, wide - 0.5, lane.height - 4, 3);
    else context.fillRect(left, top + 2, wide, lane.height - 4);
    context.globalAlpha = 1;
    const seen = Math.max(left, 0);
    const room = Math.min(left + wide, width) - seen - 8;
    if (one.text && room > 42) inside(context, one.text, seen + 5, top + lane.height / 2 + 0.5, room, "#000");
  }
  let last = -Infinity;
  for (const one of marks) {
    // Marks that would hide each other are drawn as lines.
    const at = x(one.from);
    const isClose = at - last < 9;
    last = at;
    if (!isClose) mark(context, palette, one, at, top + lane.height / 2, lane.height / 2 - 3);
    else {
      context.fillStyle = palette.of(one.colour);
      context.fillRect(at - 0.5, top + 3, 1.5, lane.height - 6);
    }
  }
  if (lane.name === "wait") totals(context, scene, lane, top, x);
}

/** From far away: how long was waited as a height, in the colour of what took most of it. */
function heights(
  context: CanvasRenderingContext2D,
  scene: Scene,
  lane: Lane,
  top: number,
  x: (at: number) => number,
) {
  const { model, view, palette, selected } = scene;
  for (const answer of model.answers) {
    if (answer.to < view.from || answer.from > view.to) continue;
    const longest = answer.steps.reduce((most, step) => (step.secs > most.secs ? step : most));
    const tall = Math.max(2, Math.min(1, answer.total / FULL_HEIGHT) * lane.height);
    context.fillStyle = answer.turn === selected ? palette.text : palette.of(STEP_COLOURS[longest.name]);
    context.fillRect(x(answer.to) - 1, top + lane.height - tall, answer.turn === selected ? 3 : 1.75, tall);
  }
}

/** Behind each wait how long it was, where there is room before the next. */
function totals(
  context: CanvasRenderingContext2D,
  scene: Scene,
  lane: Lane,
  top: number,
  x: (at: number) => number,
) {
  const { model, view, palette } = scene;
  const answers = model.answers.filter((answer) => answer.to >= view.from && answer.from <= view.to);
  answers.forEach((answer, index) => {
    const right = x(answer.to);
    const room = (answers[index + 1] ? x(answers[index + 1]?.from ?? view.to) : scene.width) - right;
    const text = answer.total < 1 ? `${Math.round(answer.total * 1000)} ms` : `${answer.total.toFixed(2)} s`;
    if (room < 52) return;
    context.fillStyle = answer.turn === scene.selected ? palette.text : palette.dimmed;
    context.textAlign = "left";
    context.fillText(text, right + 5, top + lane.height / 2 + 0.5);
  });
}

function mark(
  context: CanvasRenderingContext2D,
  palette: Palette,
  one: Span,
  at: number,
  middle: number,
  size: number,
) {
  const half = Math.min(6, Math.max(3, size));
  context.fillStyle = palette.of(one.colour);
  context.strokeStyle = palette.body;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(at, middle - half);
  context.lineTo(at + half, middle);
  context.lineTo(at, middle + half);
  context.lineTo(at - half, middle);
  context.closePath();
  context.fill();
  context.stroke();
}

function inside(
  context: CanvasRenderingContext2D,
  text: string,
  left: number,
  middle: number,
  room: number,
  colour: string,
) {
  if (room < 12) return;
  context.save();
  context.beginPath();
  context.rect(left, middle - 9, room, 18);
  context.clip();
  context.fillStyle = colour;
  context.textAlign = "left";
  // Longer words would be laid out to be clipped away.
  context.fillText(text.slice(0, Math.ceil(room / 3)), left, middle);
  context.restore();
}

function box(
  context: CanvasRenderingContext2D,
  left: number,
  top: number,
  wide: number,
  tall: number,
  radius: number,
) {
  context.beginPath();
  context.roundRect(left, top, wide, tall, Math.min(radius, wide / 2));
  context.fill();
}

/** The whole call as one thin strip: both voices over each other, and where somebody waited long. */
export function paintWhole(
  context: CanvasRenderingContext2D,
  { model, wave, width, height, palette }: Omit<Scene, "view" | "selected">,
): void {
  context.clearRect(0, 0, width, height);
  const scale = width / model.duration;
  for (const lane of model.lanes) {
    if (lane.name !== "user" && lane.name !== "agent") continue;
    const top = lane.name === "user" ? 2 : height / 2;
    const tall = height / 2 - 2;
    const points = wave && (lane.name === "user" ? wave.user : wave.agent);
    context.fillStyle = palette.of(lane.name === "user" ? "teal" : "ink");
    if (points?.length) {
      for (let left = 0; left < width; left += 2) {
        const first = Math.floor((left / width) * points.length);
        const last = Math.max(first + 1, Math.floor(((left + 2) / width) * points.length));
        let loudest = 0;
        for (let point = first; point < last; point++) loudest = Math.max(loudest, points[point] ?? 0);
        const half = Math.max(0.5, Math.sqrt(loudest) * tall);
        context.fillRect(left, lane.name === "user" ? top + tall - half : top, 1.5, half);
      }
    } else {
      for (const one of lane.spans)
        context.fillRect(one.from * scale, top, Math.max(1.5, (one.to - one.from) * scale), tall);
    }
  }
}
