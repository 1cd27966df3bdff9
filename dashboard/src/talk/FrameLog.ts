import { announcedFormats, type Formats, type Frame, readFrame, USUAL_FORMATS } from "./frames";

const MOST_FRAMES = 20_000;

const REDRAW_MS = 120;

/**
 * Every frame of a call, kept outside React: audio comes forty times a second. `listen` hears each frame at once;
 * `subscribe` and `snapshot` are for lists, which are redrawn a few times a second.
 */
export class FrameLog {
  private frames: Frame[] = [];
  private shown: readonly Frame[] = [];
  private formats: Formats = USUAL_FORMATS;
  private count = 0;
  private beganAt = performance.now();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly redraws = new Set<() => void>();
  private readonly listeners = new Set<(frame: Frame) => void>();

  /** A new call: nothing of the last one is left. */
  begin(): void {
    this.frames = [];
    this.formats = USUAL_FORMATS;
    this.beganAt = performance.now();
    this.redraw();
  }

  /** Seconds since the call was begun. */
  now(): number {
    return (performance.now() - this.beganAt) / 1000;
  }

  add(direction: "in" | "out", text: string): void {
    const frame = readFrame(++this.count, this.now(), direction, text, this.formats);
    this.formats = announcedFormats(frame) ?? this.formats;
    this.keep(frame);
  }

  /** Something that happened to the socket itself: `open`, `close`. */
  note(type: string, message: unknown): void {
    this.keep({
      id: ++this.count,
      at: this.now(),
      direction: "socket",
      type,
      eventId: null,
      size: 0,
      audio: null,
      message,
    });
  }

  clear(): void {
    this.frames = [];
    this.redraw();
  }

  listen(listener: (frame: Frame) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  subscribe = (redraw: () => void): (() => void) => {
    this.redraws.add(redraw);
    return () => this.redraws.delete(redraw);
  };

  snapshot = (): readonly Frame[] => this.shown;

  private keep(frame: Frame): void {
    this.frames.push(frame);
    // Of a long call the oldest audio is forgotten, never a message.
    if (this.frames.length > MOST_FRAMES) {
      let spare = MOST_FRAMES / 4;
      this.frames = this.frames.filter((one) => !one.audio || spare-- <= 0);
    }
    for (const listener of this.listeners) listener(frame);
    this.timer ??= setTimeout(() => this.redraw(), REDRAW_MS);
  }

  private redraw(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.shown = [...this.frames];
    for (const redraw of this.redraws) redraw();
  }
}
