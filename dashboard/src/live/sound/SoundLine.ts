import { PREFIX } from "@/api/client";
import { attach, hangUp, type Role } from "@/api/live";

import { fromBase64, startOf, toBase64 } from "./pieces";

/** Both ways; the server changes the rate to that of the call. */
const RATE = 24_000;
const FORMAT = `pcm_${RATE}`;

export type Side = "user" | "agent";

interface Listener {
  /** The line is over: why, empty when we hung up. */
  over: (reason: string) => void;
  /** What we say is not taken. */
  refused: (message: string) => void;
}

/** One side of the call as it is played: its volume, its level, and what has not been played yet. */
class Channel {
  readonly gain: GainNode;
  private readonly analyser: AnalyserNode;
  private readonly samples = new Float32Array(1024);
  private readonly waiting = new Set<AudioBufferSourceNode>();
  private nextAt = 0;
  seconds = 0;

  constructor(
    private readonly context: AudioContext,
    /** Seconds that may wait; more is let go. Of the agent everything waits: it comes ahead. */
    private readonly most: number,
  ) {
    this.gain = new GainNode(context);
    this.analyser = new AnalyserNode(context, { fftSize: 1024 });
    this.analyser.connect(this.gain).connect(context.destination);
  }

  play(samples: Float32Array<ArrayBuffer>): void {
    if (!samples.length) return;
    const now = this.context.currentTime;
    if (this.nextAt - now > this.most) this.drop();
    const at = startOf(this.nextAt, now);
    const buffer = new AudioBuffer({ length: samples.length, sampleRate: RATE });
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(this.analyser);
    source.addEventListener("ended", () => this.waiting.delete(source));
    source.start(at);
    this.waiting.add(source);
    this.nextAt = at + buffer.duration;
    this.seconds += buffer.duration;
  }

  /** What has not been played will not be. */
  drop(): void {
    for (const source of this.waiting) source.stop();
    this.waiting.clear();
    this.nextAt = 0;
  }

  /** How loud it is now, from 0 to 1. */
  level(): number {
    this.analyser.getFloatTimeDomainData(this.samples);
    let power = 0;
    for (const sample of this.samples) power += sample * sample;
    return Math.min(1, 3.2 * Math.sqrt(power / this.samples.length));
  }
}

/** The sound of a call: both sides are played; an operator who has taken over may speak. */
export class SoundLine {
  private readonly context = new AudioContext({ sampleRate: RATE });
  private readonly channels: Record<Side, Channel>;
  private readonly socket: WebSocket;
  private microphone: { context: AudioContext; stream: MediaStream } | null = null;
  private ownLevel = 0;
  private isClosed = false;
  isMuted = false;

  constructor(
    id: string,
    readonly role: Role,
    operator: string,
    private readonly listener: Listener,
  ) {
    this.channels = {
      user: new Channel(this.context, 0.8),
      agent: new Channel(this.context, Infinity),
    };
    void this.context.resume();
    this.socket = attach(id, role, operator, FORMAT);
    this.socket.addEventListener("message", ({ data }) => this.took(String(data)));
    this.socket.addEventListener("close", ({ code, reason }) => {
      if (this.isClosed) return;
      this.close();
      listener.over(code === 1000 ? "" : reason || "The line broke.");
    });
  }

  setVolume(side: Side, volume: number): void {
    this.channels[side].gain.gain.setTargetAtTime(volume, this.context.currentTime, 0.02);
  }

  level(side: Side | "own"): number {
    return side === "own" ? (this.isMuted ? 0 : this.ownLevel) : this.channels[side].level();
  }

  /** Seconds that have come of a side. */
  heard(side: Side): number {
    return this.channels[side].seconds;
  }

  /** Send the microphone from now on. Throws what the browser says when there is none. */
  async speak(): Promise<void> {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
    });
    const context = new AudioContext();
    this.microphone = { context, stream };
    // In this order: the second uses the first.
    await context.audioWorklet.addModule(`${PREFIX}/dashboard/resampler.js`);
    await context.audioWorklet.addModule(`${PREFIX}/dashboard/microphone.js`);
    if (this.isClosed) return this.hush();
    const node = new AudioWorkletNode(context, "parola-microphone", {
      numberOfOutputs: 0,
      processorOptions: { rate: RATE },
    });
    node.port.onmessage = ({ data }: MessageEvent<{ pcm: ArrayBuffer; level: number }>) => {
      this.ownLevel = Math.min(1, 3.2 * data.level);
      if (this.isMuted || this.socket.readyState !== WebSocket.OPEN) return;
      this.socket.send(JSON.stringify({ user_audio_chunk: toBase64(data.pcm) }));
    };
    new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(node);
    await context.resume();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.hush();
    hangUp(this.socket);
    void this.context.close();
  }

  private hush(): void {
    for (const track of this.microphone?.stream.getTracks() ?? []) track.stop();
    void this.microphone?.context.close();
    this.microphone = null;
  }

  private took(text: string): void {
    const message = JSON.parse(text) as { type: string } & Record<string, unknown>;
    switch (message.type) {
      case "x_user_audio":
      case "x_agent_audio": {
        const about = message[`${message.type}_event`] as { audio_base_64: string };
        const side = message.type === "x_user_audio" ? "user" : "agent";
        this.channels[side].play(fromBase64(about.audio_base_64));
        break;
      }
      case "interruption":
        this.channels.agent.drop();
        break;
      case "command_result":
        if (message.ok === false) {
          this.listener.refused((message.error as { message?: string } | undefined)?.message ?? "");
        }
    }
  }
}
