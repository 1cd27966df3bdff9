/** Follows something on the server by a stream of events; where streams do not get through, by asking again. */

import { api, ApiError, request, watchApiKey } from "./client";
import { SseReader } from "./sse";

export type LinkState =
  | { kind: "connecting" }
  | { kind: "stream" }
  /** The stream does not get through: it is asked for again and again. */
  | { kind: "polling" }
  | { kind: "away"; error: Error };

export interface Follower {
  event: (name: string, about: unknown) => void;
  /** What the plain address says, while there is no stream. */
  answer: (answer: unknown) => void;
  link: (state: LinkState) => void;
}

/** The first event comes at once, comments every 15 s. */
const FIRST_MS = 6_000;
const SILENCE_MS = 40_000;

const POLL_MS = 2_000;

/** Polls between two tries of the stream. */
const POLLS = 8;

const backOff = (tries: number) => Math.min(10_000, 500 * 2 ** tries) * (0.75 + Math.random() / 2);

/** Begin to follow; gives what ends it. */
export function follow({ stream, plain }: { stream: string; plain: string }, follower: Follower): () => void {
  let round = new AbortController();
  const begin = () => void run(stream, plain, follower, round.signal);
  begin();
  const forget = watchApiKey(() => {
    round.abort();
    round = new AbortController();
    begin();
  });
  return () => {
    forget();
    round.abort();
  };
}

async function run(stream: string, plain: string, follower: Follower, signal: AbortSignal): Promise<void> {
  let tries = 0;
  while (!signal.aborted) {
    try {
      if (await streamed(stream, follower, signal)) tries = 0;
    } catch {
      // Asked the plain way, the server says what is wrong.
    }
    if (signal.aborted) return;
    try {
      for (let poll = 0; poll < (tries ? POLLS : 1) && !signal.aborted; poll++) {
        if (poll) await pause(POLL_MS, signal);
        follower.answer(await api.get<unknown>(plain, {}, signal));
        if (tries) follower.link({ kind: "polling" });
      }
      if (!tries++) await pause(300, signal);
    } catch (error) {
      if (signal.aborted) return;
      follower.link({ kind: "away", error: error instanceof Error ? error : new Error(String(error)) });
      await pause(error instanceof ApiError && error.status >= 400 ? 10_000 : backOff(tries++), signal);
    }
  }
}

/** One stream to its end; whether anything came. */
async function streamed(path: string, follower: Follower, signal: AbortSignal): Promise<boolean> {
  const own = new AbortController();
  const abort = () => own.abort();
  signal.addEventListener("abort", abort);
  let watch = setTimeout(abort, FIRST_MS);
  let hasCome = false;
  try {
    const response = await request("GET", path, undefined, {
      headers: { accept: "text/event-stream" },
      signal: own.signal,
    });
    if (!response.body || !response.headers.get("content-type")?.startsWith("text/event-stream"))
      return false;
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const reader = new SseReader();
    for (;;) {
      const { done, value } = await pieces.read();
      if (done) return hasCome;
      clearTimeout(watch);
      watch = setTimeout(abort, SILENCE_MS);
      for (const { name, data } of reader.read(value)) {
        if (!hasCome) follower.link({ kind: "stream" });
        hasCome = true;
        follower.event(name, JSON.parse(data) as unknown);
      }
    }
  } catch (error) {
    if (hasCome) return true;
    throw error;
  } finally {
    clearTimeout(watch);
    signal.removeEventListener("abort", abort);
    own.abort();
  }
}

const pause = (milliseconds: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
