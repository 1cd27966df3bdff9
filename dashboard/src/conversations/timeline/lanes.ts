/** What is drawn in which lane of the timeline: worked out once from the record, searched by time while drawing. */

import type { CallCommand, ConversationRecord, Turn, Waveform } from "@/api/conversations";
import { SPEAKERS, STEPS } from "@/parts/colours";
import { span } from "@/parts/format";

import { deedWords, doer, wasCutOff } from "../words";
import { answersOf, lengthOf, momentsOf, type Answer, type StepName } from "./answers";
import { closedWords, STEP_LABELS, verdictLine, verdictWords } from "./explain";

export type LaneName =
  "user" | "agent" | "wait" | "end_of_turn" | "stt" | "retrieval" | "llm" | "tts" | "tools" | "events";

export interface Span {
  from: number;
  to: number;
  /** A Mantine colour name. */
  colour: string;
  title: string;
  /** More, in sentences. */
  detail: string;
  turn: number | null;
  /** Drawn inside where there is room. */
  text?: string;
  /** A moment, not a stretch. */
  isMark?: boolean;
  /** Only partly certain, or ahead of what counts. */
  isPale?: boolean;
}

export interface Lane {
  name: LaneName;
  label: string;
  height: number;
  spans: Span[];
}

export interface CallModel {
  duration: number;
  moments: number[];
  answers: Answer[];
  lanes: Lane[];
}

export const STEP_COLOURS: Record<StepName, string> = {
  end_of_turn: STEPS.end_of_turn,
  tools: STEPS.tool,
  retrieval: "lime",
  llm: STEPS.language_model,
  sentence: "indigo",
  tts: STEPS.text_to_speech,
  send: "gray",
};

/** Characters that a voice says in a second, where nothing better is known. */
const CHARACTERS_A_SECOND = 15;

/** Louder than this is speech. */
const QUIET = 0.012;

export function callModel(record: ConversationRecord, wave: Waveform | null): CallModel {
  const turns = record.transcript;
  const moments = momentsOf(turns);
  const answers = answersOf(turns);
  const duration = Math.max(lengthOf(record), wave?.duration_secs ?? 0);
  const isVoice = !record.metadata.text_only;
  const lane = (name: LaneName, label: string, height: number): Lane => ({ name, label, height, spans: [] });
  const lanes = {
    user: lane("user", "User", isVoice ? 58 : 26),
    agent: lane("agent", "Agent", isVoice ? 58 : 26),
    wait: lane("wait", "Waiting", 24),
    end_of_turn: lane("end_of_turn", "End of turn", 16),
    stt: lane("stt", "Speech to text", 16),
    retrieval: lane("retrieval", "Documents", 16),
    llm: lane("llm", "Model", 16),
    tts: lane("tts", "Voice", 16),
    tools: lane("tools", "Tools", 18),
    events: lane("events", "Events", 20),
  };
  turns.forEach((turn, index) => {
    const at = moments[index] ?? 0;
    if (turn.role === "user") addUser(lanes, turn, index, at);
    else addAgent(lanes, turns, index, moments, duration, wave);
  });
  for (const answer of answers) {
    for (const step of answer.steps) {
      if (step.secs < 0.001) continue;
      lanes.wait.spans.push({
        from: step.from,
        to: step.from + step.secs,
        colour: STEP_COLOURS[step.name],
        title: `${span(answer.total)} until the first audio`,
        detail: answer.steps
          .filter((one) => one.secs >= 0.001)
          .map((one) => `${STEP_LABELS[one.name]} ${span(one.secs)}`)
          .join(" + "),
        turn: answer.turn,
      });
    }
  }
  addEvents(lanes.events, record, duration);
  const shown = Object.values(lanes).filter(
    (one) => one.name === "user" || one.name === "agent" || one.spans.length > 0,
  );
  for (const one of shown) one.spans.sort((a, b) => a.from - b.from);
  return { duration, moments, answers, lanes: shown };
}

type Lanes = Record<LaneName, Lane>;

function addUser(lanes: Lanes, turn: Turn, index: number, at: number) {
  const times = turn.x_timeline ?? {};
  const stopped = times.speech_stopped_secs;
  const isTyped = stopped === undefined;
  lanes.user.spans.push({
    from: at,
    to: stopped ?? at,
    isMark: isTyped,
    isPale: turn.ignored_as_backchannel || turn.platform_event !== null,
    colour: SPEAKERS.user,
    title: `User: ${turn.message ?? ""}`,
    detail: isTyped ? "Not spoken." : `Spoke for ${span(stopped - at)}. ${closedWords(times.closed_because)}`,
    text: turn.message ?? "",
    turn: index,
  });
  if (isTyped) return;
  if (times.closed_secs !== undefined && times.closed_secs > stopped)
    lanes.end_of_turn.spans.push({
      from: stopped,
      to: times.closed_secs,
      colour: STEPS.end_of_turn,
      title: `${span(times.closed_secs - stopped)} from the last sound to the end of the turn`,
      detail: closedWords(times.closed_because),
      turn: index,
    });
  for (const one of times.verdicts ?? [])
    lanes.end_of_turn.spans.push({
      from: one.at_secs,
      to: one.at_secs,
      isMark: true,
      colour: "orange",
      title: `Verdict “${one.verdict}”: wait for ${span(one.wait_secs)} of silence`,
      detail: `${verdictWords(one.verdict)}; ${verdictLine(one)}.`,
      turn: index,
    });
  if (times.transcribed_secs !== undefined)
    lanes.stt.spans.push({
      from: Math.min(stopped, times.transcribed_secs),
      to: times.transcribed_secs,
      colour: STEPS.speech_to_text,
      title: `${span(Math.max(0, times.transcribed_secs - stopped))} from the last sound to the words`,
      detail: "Speech to text, after the user fell silent.",
      turn: index,
    });
}

function addAgent(
  lanes: Lanes,
  turns: readonly Turn[],
  index: number,
  moments: readonly number[],
  duration: number,
  wave: Waveform | null,
) {
  const turn = turns[index];
  if (!turn) return;
  const at = moments[index] ?? 0;
  const times = turn.x_timeline ?? {};
  const sent = times.first_audio_sent_secs;
  const following = turns.findIndex(
    (one, place) => place > index && one.role === "agent" && one.message !== null,
  );
  const limit = following === -1 ? duration : (moments[following] ?? duration);
  if (turn.message !== null) {
    const who = turn.x_injected_by ? turn.x_injected_by.by : "Agent";
    const to =
      sent === undefined ? at : (times.interrupted_secs ?? spokenUntil(at, limit, turn.message, wave));
    lanes.agent.spans.push({
      from: at,
      to,
      isMark: sent === undefined,
      colour: turn.x_injected_by ? SPEAKERS.operator : SPEAKERS.agent,
      title: `${who}: ${turn.message}`,
      detail:
        times.interrupted_secs === undefined
          ? sent === undefined
            ? "Not spoken."
            : `Spoke for about ${span(to - at)}.`
          : `Was cut off after ${span(times.interrupted_secs - at)}.`,
      text: turn.message,
      turn: index,
    });
  }
  const bar = (
    name: LaneName,
    colour: string,
    from: number | undefined,
    to: number | undefined,
    title: string,
    detail: string,
    isPale = false,
  ) => {
    if (from !== undefined && to !== undefined && to >= from)
      lanes[name].spans.push({
        from,
        to,
        colour,
        title: `${span(to - from)} ${title}`,
        detail,
        turn: index,
        isPale,
      });
  };
  const asked = times.retrieved_secs ?? times.asked_secs;
  bar(
    "retrieval",
    "lime",
    times.asked_secs,
    times.retrieved_secs,
    "to search the documents",
    "Before the model was asked.",
  );
  if (
    turn.producing_llm !== null ||
    turn.llm_usage !== null ||
    times.is_speculative ||
    turn.tool_calls.length
  ) {
    bar(
      "llm",
      STEPS.language_model,
      asked,
      times.first_token_secs,
      "from the question to the first word of the model",
      times.is_speculative ? "Asked before the turn was over." : "Asked when the turn was over.",
    );
    bar(
      "llm",
      STEPS.language_model,
      times.first_token_secs,
      times.first_sentence_secs,
      "from the first word to the first sentence",
      "Then it went to the voice.",
      true,
    );
  }
  bar(
    "tts",
    STEPS.text_to_speech,
    times.first_sentence_secs,
    times.tts_first_byte_secs,
    "from the first sentence to the first audio of the voice",
    "Text to speech.",
  );
  if (times.interrupted_secs !== undefined)
    lanes.events.spans.push({
      from: times.interrupted_secs,
      to: times.interrupted_secs,
      isMark: true,
      colour: "red",
      title: "Interruption",
      detail: `The user cut the agent off; heard was “${turn.message ?? ""}”.`,
      turn: index,
    });
  const results = new Map(turn.tool_results.map((result) => [result.request_id, result]));
  let began = times.first_sentence_secs ?? times.first_token_secs ?? at;
  for (const call of turn.tool_calls) {
    const result = results.get(call.request_id);
    const took = result?.tool_latency_secs ?? 0;
    lanes.tools.spans.push({
      from: began,
      to: began + took,
      isMark: took < 0.001,
      colour: result?.is_error ? "red" : SPEAKERS.tool,
      title: `${call.tool_name} ${result ? (result.is_error ? "failed" : "answered") : "has no result"}${took ? ` after ${span(took)}` : ""}`,
      detail: `${call.params_as_json.slice(0, 160)}${result?.raw_error_message ? ` ${result.raw_error_message}` : ""}`,
      text: call.tool_name,
      turn: index,
    });
    if (took < 0.001) began += 0.001;
  }
}

/** Where the agent fell silent: by the sound where there is one, else by the number of characters. */
function spokenUntil(from: number, limit: number, message: string, wave: Waveform | null): number {
  const guess = Math.min(limit, from + Math.max(0.6, message.length / CHARACTERS_A_SECOND));
  if (!wave?.agent.length) return guess;
  const a_point = wave.duration_secs / wave.agent.length;
  if (a_point > 0.25) return guess;
  const first = Math.floor(from / a_point);
  let point = Math.min(wave.agent.length - 1, Math.ceil(limit / a_point) - 2);
  while (point > first && (wave.agent[point] ?? 0) < QUIET) point--;
  return point > first ? Math.min(limit, (point + 1) * a_point) : guess;
}

function addEvents(lane: Lane, record: ConversationRecord, duration: number) {
  const mark = (at: number, colour: string, title: string, detail: string) =>
    lane.spans.push({
      from: Math.min(at, duration),
      to: Math.min(at, duration),
      isMark: true,
      colour,
      title,
      detail,
      turn: null,
    });
  const { metadata } = record;
  const commands: CallCommand[] = metadata.x_commands ?? [];
  for (const one of commands)
    mark(
      one.time_in_call_secs,
      SPEAKERS.operator,
      `${doer(one)} ${deedWords(one)}`,
      "From outside the call.",
    );
  let lost: number | null = null;
  for (const one of metadata.x_connections ?? []) {
    const isLost = one.type === "x_connection_lost";
    if (isLost) lost = one.time_in_call_secs;
    mark(
      one.time_in_call_secs,
      isLost ? "red" : "teal",
      isLost ? "Connection lost" : "Connection resumed",
      isLost
        ? `Code ${one.code ?? "unknown"}.`
        : `After ${span(one.away_secs ?? one.time_in_call_secs - (lost ?? one.time_in_call_secs))}.`,
    );
  }
  for (const one of metadata.x_waiting_for_human ?? [])
    lane.spans.push({
      from: one.time_in_call_secs,
      to: Math.min(duration, one.time_in_call_secs + (one.waited_secs ?? 0)),
      colour: SPEAKERS.operator,
      isPale: true,
      title: `Waited ${span(one.waited_secs ?? 0)} for a person`,
      detail:
        `${one.reason ?? ""} ${one.operator ? `${one.operator} came.` : (one.outcome ?? "").replaceAll("_", " ")}`.trim(),
      turn: null,
    });
  if (metadata.x_close)
    mark(
      duration,
      "gray",
      "The end",
      `${metadata.termination_reason || metadata.x_close.reason} (close ${metadata.x_close.code}, ${wasCutOff(record) ? "the client’s connection was lost" : `by ${metadata.x_close.by}`}).`,
    );
}

/** The spans of a lane that lie in a stretch of time. Spans are sorted by their beginnings and may overlap. */
export function within(spans: readonly Span[], from: number, to: number): Span[] {
  return spans.filter((one) => one.from <= to && one.to >= from);
}

/** The span nearest to a moment, if it is not further than `reach`; shorter ones win, marks first. */
export function hit(spans: readonly Span[], at: number, reach: number): Span | null {
  let best: Span | null = null;
  let least = Infinity;
  for (const one of spans) {
    if (one.from - reach > at) break;
    const away = at < one.from ? one.from - at : at > one.to ? at - one.to : 0;
    if (away > reach) continue;
    const rank = away + (one.to - one.from) * 1e-3 - (one.isMark && away <= reach / 2 ? reach : 0);
    if (rank < least) {
      least = rank;
      best = one;
    }
  }
  return best;
}
