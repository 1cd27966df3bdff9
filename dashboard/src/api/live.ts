/** Conversations that run now: the list as it changes, those that wait for a person, and the socket beside one. */

import { useCallback, useSyncExternalStore } from "react";

import { follow, type LinkState } from "./follow";
import { openSocket } from "./client";
import { updated } from "./updated";

export type LiveStatus =
  | "listening"
  | "user_speaking"
  | "thinking"
  | "running_tools"
  | "speaking"
  | "waiting_for_human"
  | "taken_over"
  | "client_away"
  | "ending"
  | "ended";

export interface LiveConversation {
  conversation_id: string;
  agent_id: string;
  agent_name: string;
  started_at_unix_secs: number;
  is_voice: boolean;
  user_id: string | null;
  status: LiveStatus;
  turns: number;
  last_message: { role: "user" | "agent"; text: string } | null;
  taken_over_by: string | null;
  operators: number;
  latency_secs: number | null;
}

export interface WaitingConversation {
  conversation_id: string;
  agent_id: string;
  agent_name: string;
  user_id: string | null;
  text_only: boolean;
  since_unix_secs: number;
  wait_timeout_secs: number;
  reason: string;
  asked_by: string;
  agent_while_waiting: "answers" | "silent";
  last_lines: { role: "user" | "agent"; message: string }[];
}

/** What a list looks like from here, and how it comes. */
export interface Followed<T> {
  items: readonly T[];
  link: LinkState;
  /** Whether anything has come yet. */
  isThere: boolean;
}

/** How long a list is still followed when nobody looks: pages change. */
const LINGER_MS = 2_000;

/** One list of the server that everybody on the page shares; followed while somebody looks. */
class Shared<T extends { conversation_id: string }> {
  private state: Followed<T> = { items: [], link: { kind: "connecting" }, isThere: false };
  private readonly watchers = new Set<() => void>();
  private stop: (() => void) | null = null;
  private lingering: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly paths: { stream: string; plain: string },
    /** The list after something that came; null: it says nothing about the list. */
    private readonly read: (name: string, about: unknown, before: readonly T[]) => readonly T[] | null,
    private readonly ofPlain: (answer: unknown) => readonly T[],
  ) {}

  subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    clearTimeout(this.lingering);
    this.stop ??= follow(this.paths, {
      event: (name, about) => {
        const items = this.read(name, about, this.state.items);
        if (items) this.became({ items: updated(this.state.items, items), isThere: true });
      },
      answer: (answer) =>
        this.became({ items: updated(this.state.items, this.ofPlain(answer)), isThere: true }),
      link: (link) => this.became({ link }),
    });
    return () => {
      this.watchers.delete(watcher);
      if (this.watchers.size) return;
      this.lingering = setTimeout(() => {
        this.stop?.();
        this.stop = null;
        this.state = { items: [], link: { kind: "connecting" }, isThere: false };
      }, LINGER_MS);
    };
  };

  snapshot = (): Followed<T> => this.state;

  private became(change: Partial<Followed<T>>): void {
    const next = { ...this.state, ...change };
    if (
      next.items === this.state.items &&
      next.link === this.state.link &&
      next.isThere === this.state.isThere
    ) {
      return;
    }
    this.state = next;
    for (const watcher of this.watchers) watcher();
  }
}

const LIVE = "/v1/x/conversations/live";
const WAITING = "/v1/x/conversations/waiting-for-human";

const liveOf = (answer: unknown) => (answer as { conversations: LiveConversation[] }).conversations;
const waitingOf = (answer: unknown) => (answer as { waiting: WaitingConversation[] }).waiting;

const live = new Shared<LiveConversation>(
  { stream: LIVE, plain: LIVE },
  (name, about) => (name === "live" ? liveOf(about) : null),
  liveOf,
);

const waiting = new Shared<WaitingConversation>(
  { stream: `${WAITING}/events`, plain: WAITING },
  (name, about, before) => {
    if (name === "snapshot") return waitingOf(about);
    const one = about as WaitingConversation;
    const others = before.filter(({ conversation_id }) => conversation_id !== one.conversation_id);
    if (name === "x_waiting_for_human") return [...others, one];
    return name === "x_waiting_for_human_over" ? others : null;
  },
  waitingOf,
);

/** The conversations that run, oldest first, and what happens in them now. */
export const useLive = () => useSyncExternalStore(live.subscribe, live.snapshot);

/** Those that wait for a person, longest first. */
export const useWaiting = () => useSyncExternalStore(waiting.subscribe, waiting.snapshot);

/** One of those that run; undefined when it does not, null while that is not known. */
export function useLiveOne(id: string): LiveConversation | undefined | null {
  const look = useCallback(() => {
    const { items, isThere } = live.snapshot();
    return isThere ? items.find(({ conversation_id }) => conversation_id === id) : null;
  }, [id]);
  return useSyncExternalStore(live.subscribe, look);
}

export type Role = "observer" | "operator";

/** A socket beside a conversation. With `sound` both sides come along, and an operator may speak, in that format. */
export const attach = (id: string, role: Role, operator: string, sound?: string) =>
  openSocket(`/v1/x/conversations/${encodeURIComponent(id)}/attach`, {
    role,
    operator: role === "operator" ? operator : undefined,
    audio: sound !== undefined || undefined,
    audio_format: sound,
  });

/** Close a socket; browsers complain about those that are closed before they are open. */
export function hangUp(socket: WebSocket): void {
  if (socket.readyState === WebSocket.CONNECTING) socket.addEventListener("open", () => socket.close());
  else socket.close();
}
