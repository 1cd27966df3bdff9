/** How long the user waited for each answer, and for what: worked out from the record alone. */

import type { ConversationRecord, Turn, TurnTimes } from "@/api/conversations";

/** What an answer waits for, in order. `tools` stands for tools and the model that asked for them. */
export const STEP_NAMES = ["end_of_turn", "tools", "retrieval", "llm", "sentence", "tts", "send"] as const;
export type StepName = (typeof STEP_NAMES)[number];

export interface Step {
  name: StepName;
  /** Seconds that it added. */
  secs: number;
  /** Seconds into the call. */
  from: number;
}

export interface Answer {
  /** Its turn in the transcript. */
  turn: number;
  /** The turn of the user that it answers; null: it was said unasked. */
  asked: number | null;
  /** The user's last sound, or when it was asked for. */
  from: number;
  /** Its first audio. */
  to: number;
  total: number;
  steps: Step[];
  isSpeculative: boolean;
}

const isStep = (name: string): name is StepName => (STEP_NAMES as readonly string[]).includes(name);

/** All answers of which it is known how long they took, in order. */
export function answersOf(transcript: readonly Turn[]): Answer[] {
  const found: Answer[] = [];
  let asked: { index: number; times: TurnTimes } | null = null;
  transcript.forEach((turn, index) => {
    const times = turn.x_timeline ?? {};
    if (turn.role === "user") {
      if (!turn.ignored_as_backchannel && times.speech_stopped_secs !== undefined) asked = { index, times };
      return;
    }
    const told = times.latency_secs;
    const sent = times.first_audio_sent_secs;
    if (!told || sent === undefined) return;
    // What somebody else put into its mouth is no answer.
    if (!turn.x_injected_by) {
      const steps = stepsOf(times, asked?.times ?? null);
      const total = steps.reduce((sum, step) => sum + step.secs, 0);
      let reached = sent - total;
      const placed = steps.map((step) => {
        const from = reached;
        reached += step.secs;
        return { ...step, from };
      });
      found.push({
        turn: index,
        asked: asked?.index ?? null,
        from: sent - total,
        to: sent,
        total,
        steps: placed,
        isSpeculative: times.is_speculative === true,
      });
    }
    asked = null;
  });
  return found;
}

/** The record's steps; where the model was asked again with results of tools, also what the user had waited before. */
function stepsOf(times: TurnTimes, asked: TurnTimes | null): { name: StepName; secs: number }[] {
  const told = Object.entries(times.latency_secs ?? {});
  const secs = new Map(told.filter(([name]) => isStep(name)) as [StepName, number][]);
  const stopped = asked?.speech_stopped_secs;
  const closed = asked?.closed_secs;
  const began = times.asked_secs;
  if (!secs.get("end_of_turn") && stopped !== undefined && closed !== undefined && began !== undefined) {
    secs.set("end_of_turn", Math.max(0, closed - stopped));
    secs.set("tools", Math.max(0, began - closed));
  }
  return STEP_NAMES.flatMap((name) => {
    const value = secs.get(name);
    return value === undefined ? [] : [{ name, secs: value }];
  });
}

/** The value below which this share (0 to 1) of the numbers lies. */
export function percentile(values: readonly number[], share: number): number | null {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? null;
}

/** Those that the user waited for after having said something. */
export const replies = (answers: readonly Answer[]) => answers.filter((answer) => answer.asked !== null);

/** When each turn began; of some only the whole second is known, and they keep their place among the others. */
export function momentsOf(transcript: readonly Turn[]): number[] {
  const known = transcript.map(({ x_timeline: times, role }) =>
    role === "user"
      ? times?.speech_started_secs
      : (times?.first_audio_sent_secs ?? times?.first_token_secs ?? times?.asked_secs),
  );
  const next: (number | undefined)[] = [];
  for (let index = known.length - 1, after: number | undefined; index >= 0; index--) {
    after = known[index] ?? after;
    next[index] = after;
  }
  let before = 0;
  return transcript.map((turn, index) => {
    const exact = known[index];
    const at =
      exact ??
      Math.max(
        before,
        Math.min(turn.time_in_call_secs, next[index] ?? Math.max(before, turn.time_in_call_secs)),
      );
    before = at;
    return at;
  });
}

/** The turn that is going on at a moment: the last one that has begun; -1 before the first. */
export function turnAt(moments: readonly number[], at: number): number {
  let low = 0;
  let high = moments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((moments[middle] ?? Infinity) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** How long the call is, as exactly as it can be told: the stored length is in whole seconds. */
export function lengthOf(record: ConversationRecord): number {
  const points = record.transcript.flatMap(({ x_timeline: times }) => [
    times?.speech_stopped_secs ?? 0,
    times?.closed_secs ?? 0,
    times?.first_audio_sent_secs ?? 0,
    times?.first_token_secs ?? 0,
  ]);
  return points.reduce(
    (most, point) => Math.max(most, point),
    Math.max(1, record.metadata.call_duration_secs),
  );
}
