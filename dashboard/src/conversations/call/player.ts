/** The sound of a call and the place in it that is looked at: one clock for the timeline and the transcript. */

import { loadAudio } from "@/api/conversations";

export type PlayerState = "idle" | "loading" | "paused" | "playing" | "failed";

/** Without sound (a text conversation, a running one) it is only a place that can be moved. */
export class CallPlayer {
  state: PlayerState = "idle";
  problem = "";
  rate = 1;
  private place = 0;
  private audio: HTMLAudioElement | null = null;
  private address = "";
  private frame = 0;
  private readonly watchers = new Set<() => void>();
  private leaving = new AbortController();

  constructor(
    private readonly conversationId: string,
    readonly hasAudio: boolean,
  ) {}

  /** Seconds into the call. */
  get now(): number {
    return this.audio && this.state !== "loading" ? this.audio.currentTime : this.place;
  }

  /** Be told of every change, while it plays with every frame. */
  readonly subscribe = (watcher: () => void) => {
    this.watchers.add(watcher);
    return () => {
      this.watchers.delete(watcher);
    };
  };

  readonly seek = (seconds: number) => {
    this.place = Math.max(0, seconds);
    if (this.audio) this.audio.currentTime = this.place;
    this.tell();
  };

  readonly toggle = () => (this.state === "playing" ? this.pause() : void this.play());

  readonly pause = () => this.audio?.pause();

  /** From here, or from where it stands. The sound is fetched when it is wanted first. */
  readonly play = async (from?: number) => {
    if (from !== undefined) this.seek(from);
    if (!this.hasAudio || this.state === "loading") return;
    try {
      const audio = this.audio ?? (await this.load());
      audio.currentTime = this.place = from ?? this.now;
      await audio.play();
    } catch (error) {
      if (this.leaving.signal.aborted) return;
      this.problem = error instanceof Error ? error.message : String(error);
      this.set("failed");
    }
  };

  readonly setRate = (rate: number) => {
    this.rate = rate;
    if (this.audio) this.audio.playbackRate = rate;
    this.tell();
  };

  /** The page is there; gives what is to be done when it is left. */
  readonly enter = () => {
    this.leaving = new AbortController();
    return this.leave;
  };

  private readonly leave = () => {
    this.leaving.abort();
    cancelAnimationFrame(this.frame);
    this.audio?.pause();
    if (this.address) URL.revokeObjectURL(this.address);
    this.audio = null;
    this.state = "idle";
  };

  private async load(): Promise<HTMLAudioElement> {
    this.set("loading");
    const { signal } = this.leaving;
    const sound = await loadAudio(this.conversationId, signal);
    signal.throwIfAborted();
    this.address = URL.createObjectURL(sound);
    const audio = new Audio(this.address);
    audio.playbackRate = this.rate;
    audio.addEventListener("play", () => {
      this.set("playing");
      this.tick();
    });
    audio.addEventListener("pause", () => this.set("paused"));
    audio.addEventListener("seeked", this.tell);
    await new Promise((ready, failed) => {
      audio.addEventListener("loadedmetadata", ready, { once: true });
      audio.addEventListener("error", () => failed(new Error("The browser cannot play this recording.")), {
        once: true,
      });
    });
    signal.throwIfAborted();
    audio.currentTime = this.place;
    this.audio = audio;
    this.set("paused");
    return audio;
  }

  private readonly tick = () => {
    this.tell();
    if (this.state === "playing") this.frame = requestAnimationFrame(this.tick);
  };

  private set(state: PlayerState) {
    this.state = state;
    this.tell();
  }

  private readonly tell = () => {
    for (const watcher of this.watchers) watcher();
  };
}
