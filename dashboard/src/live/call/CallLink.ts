import type { CallEvent } from "@/api/conversations";
import { attach, hangUp, type Role } from "@/api/live";

import { type Feed, NO_FEED, step } from "./feed";

export type LinkPhase =
  | { kind: "connecting" }
  | { kind: "live" }
  /** The connection broke: it is tried again. */
  | { kind: "away" }
  | { kind: "over"; reason: string }
  /** There is no such conversation, or it is not for us. */
  | { kind: "refused"; reason: string };

export interface CallState {
  phase: LinkPhase;
  role: Role;
  /** Whether the key may only watch. */
  mayOnlyWatch: boolean;
  feed: Feed;
  events: readonly CallEvent[];
}

/** Why a command does not hold, as the server says it. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message);
    this.name = "Refusal";
  }
}

interface Given {
  frame: string;
  done: () => void;
  fail: (error: Refusal) => void;
}

interface Result {
  command_id?: string;
  ok: boolean;
  error?: { code: string; message: string };
}

const REDRAW_MS = 80;
const MOST_EVENTS = 6000;

/** The server's codes for a key that may not, and for what is not there. */
const UNAUTHORISED = 3000;
const POLICY = 1008;

/**
 * The socket beside one call: everything from the first event on, and a way for commands. It comes back when the
 * connection breaks, and begins anew then. Kept outside React; `subscribe` and `snapshot` are redrawn some times a second.
 */
export class CallLink {
  private socket: WebSocket | null = null;
  private events: CallEvent[] = [];
  private feed: Feed = NO_FEED;
  private phase: LinkPhase = { kind: "connecting" };
  private role: Role;
  private mayOnlyWatch = false;
  private state: CallState;
  private tries = 0;
  private count = 0;
  private isClosed = false;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly watchers = new Set<() => void>();
  private readonly given = new Map<string, Given>();
  /** What is said as soon as the connection stands. */
  private readonly unsaid: string[] = [];

  constructor(
    private readonly id: string,
    /** Under which name we act; empty: we only watch. */
    readonly operator: string,
  ) {
    this.role = operator ? "operator" : "observer";
    this.state = this.told();
    this.connect();
  }

  subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  snapshot = (): CallState => this.state;

  /** Have a command done; rejects with the server's reason when it does not hold. */
  command(type: string, parameters: Record<string, unknown> = {}): Promise<void> {
    if (this.role !== "operator") {
      return Promise.reject(new Refusal("Your API key may only watch: it lacks the scope inject.", "scope"));
    }
    if (this.phase.kind === "over" || this.phase.kind === "refused") {
      return Promise.reject(new Refusal("The conversation has ended.", "conversation_not_active"));
    }
    const commandId = `c${++this.count}`;
    return new Promise((done, fail) => {
      const frame = JSON.stringify({ command_type: type, parameters, command_id: commandId });
      this.given.set(commandId, { frame, done, fail });
      if (this.phase.kind === "live") this.socket?.send(frame);
    });
  }

  /** Say something that a client says too; the server answers only when it refuses. */
  say(message: { type: string } & Record<string, unknown>): void {
    this.unsaid.push(JSON.stringify(message));
    if (this.phase.kind === "live") this.sayAll();
  }

  private sayAll(): void {
    for (const frame of this.unsaid.splice(0)) this.socket?.send(frame);
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.retry);
    if (this.timer) clearTimeout(this.timer);
    this.failAll("The page has left the call.", "left");
    if (this.socket) hangUp(this.socket);
  }

  private connect(): void {
    const socket = attach(this.id, this.role, this.operator);
    this.socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (this.socket === socket) this.took(String(data));
    });
    socket.addEventListener("close", ({ code, reason }) => {
      if (this.socket === socket && !this.isClosed) this.lost(code, reason);
    });
  }

  private took(text: string): void {
    const message = JSON.parse(text) as { type: string } & Record<string, unknown>;
    if (message.type === "conversation_initiation_metadata" && this.phase.kind !== "live") {
      this.events = [];
      this.feed = NO_FEED;
      return;
    }
    if (message.type === "history_complete") {
      this.tries = 0;
      this.became({ kind: "live" });
      for (const { frame } of this.given.values()) this.socket?.send(frame);
      this.sayAll();
      return;
    }
    if (message.type === "command_result") {
      this.answered(message as unknown as Result);
      return;
    }
    const { x_seq, x_at, x_direction, x_by, ...event } = message;
    const one: CallEvent = {
      seq: typeof x_seq === "number" ? x_seq : (this.events.at(-1)?.seq ?? 0),
      at: typeof x_at === "number" ? x_at : (this.events.at(-1)?.at ?? Date.now() / 1000),
      direction: (x_direction as CallEvent["direction"] | undefined) ?? "internal",
      by: typeof x_by === "string" ? x_by : "server",
      event: event as CallEvent["event"],
    };
    this.events.push(one);
    if (this.events.length > MOST_EVENTS) this.events.splice(0, MOST_EVENTS / 4);
    this.feed = step(this.feed, one);
    this.timer ??= setTimeout(() => this.redraw(), REDRAW_MS);
  }

  private answered({ command_id, ok, error }: Result): void {
    const given = command_id ? this.given.get(command_id) : undefined;
    if (!command_id || !given) return;
    this.given.delete(command_id);
    // What it did is in the events before: whoever waits for it finds it done.
    this.redraw();
    if (ok) given.done();
    else given.fail(new Refusal(error?.message ?? "The server refused it.", error?.code ?? ""));
  }

  private lost(code: number, reason: string): void {
    if (code === 1000) return this.ended({ kind: "over", reason });
    if (code === UNAUTHORISED && this.role === "operator") {
      this.role = "observer";
      this.mayOnlyWatch = true;
      this.failAll("Your API key may only watch: it lacks the scope inject.");
      return this.connect();
    }
    if (code === UNAUTHORISED || code === POLICY) return this.ended({ kind: "refused", reason });
    // The server may have gone, or the line: what was not answered is not sent twice.
    this.failAll("The connection broke before the server answered. Look whether it was done.");
    this.became({ kind: "away" });
    this.retry = setTimeout(() => this.connect(), Math.min(8000, 400 * 2 ** this.tries++));
  }

  private ended(phase: LinkPhase): void {
    this.failAll("The conversation has ended.");
    this.became(phase);
  }

  private failAll(message: string, code = "gone"): void {
    for (const { fail } of this.given.values()) fail(new Refusal(message, code));
    this.given.clear();
  }

  private became(phase: LinkPhase): void {
    this.phase = phase;
    this.redraw();
  }

  private redraw(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.state = this.told();
    for (const watcher of this.watchers) watcher();
  }

  private told(): CallState {
    return {
      phase: this.phase,
      role: this.role,
      mayOnlyWatch: this.mayOnlyWatch,
      feed: this.feed,
      events: [...this.events],
    };
  }
}
