import { describe, expect, it } from "vitest";

import type { Turn } from "@/api/conversations";

import { answersOf, momentsOf, percentile, turnAt } from "./answers";
import { explain } from "./explain";

const turn = (role: "user" | "agent", more: Partial<Turn>): Turn => ({
  role,
  message: "words",
  original_message: null,
  interrupted: false,
  ignored_as_backchannel: false,
  platform_event: null,
  source_medium: null,
  time_in_call_secs: 0,
  tool_calls: [],
  tool_results: [],
  producing_llm: null,
  llm_usage: null,
  rag_retrieval_info: null,
  contextual_update_info: null,
  triggered_guardrails: [],
  file_inputs: [],
  reasoning: [],
  agent_metadata: null,
  feedback: null,
  ...more,
});

/** The example of docs/turn-taking.md. */
const asked = turn("user", {
  x_timeline: {
    speech_started_secs: 2,
    speech_stopped_secs: 3.3,
    transcribed_secs: 3.58,
    closed_secs: 3.75,
    closed_because: "finished",
    verdicts: [
      { at_secs: 3.58, verdict: "finished", wait_secs: 0.45, turn_probability: 0.98, wording: "closed" },
    ],
  },
});
const answered = turn("agent", {
  time_in_call_secs: 4,
  x_timeline: {
    asked_secs: 3.58,
    first_token_secs: 3.88,
    first_sentence_secs: 3.92,
    tts_first_byte_secs: 4,
    first_audio_sent_secs: 4,
    is_speculative: true,
    latency_secs: { end_of_turn: 0.45, llm: 0.13, sentence: 0.04, tts: 0.08, send: 0, total: 0.7 },
  },
});

describe("how long an answer took", () => {
  it("places the steps behind each other, from the last sound to the first audio", () => {
    const [answer] = answersOf([asked, answered]);
    expect(answer?.from).toBeCloseTo(3.3);
    expect(answer?.to).toBe(4);
    expect(answer?.total).toBeCloseTo(0.7);
    expect(answer?.steps.map((step) => [step.name, Number(step.from.toFixed(2))])).toEqual([
      ["end_of_turn", 3.3],
      ["llm", 3.75],
      ["sentence", 3.88],
      ["tts", 3.92],
      ["send", 4],
    ]);
  });

  it("counts a tool that was waited for in silence", () => {
    const silent = turn("agent", { message: null, x_timeline: { asked_secs: 3.8, is_speculative: false } });
    const after = turn("agent", {
      x_timeline: {
        asked_secs: 6,
        first_audio_sent_secs: 6.5,
        latency_secs: { end_of_turn: 0, llm: 0.3, sentence: 0.1, tts: 0.1, send: 0, total: 0.5 },
      },
    });
    const [answer] = answersOf([asked, silent, after]);
    expect(answer?.asked).toBe(0);
    expect(answer?.total).toBeCloseTo(3.2);
    expect(answer?.steps.find((step) => step.name === "tools")?.secs).toBeCloseTo(2.25);
  });

  it("does not hold what an operator said against the model", () => {
    expect(answersOf([asked, { ...answered, x_injected_by: { type: "human_message", by: "Ben" } }])).toEqual(
      [],
    );
  });

  it("explains it", () => {
    const [answer] = answersOf([asked, answered]);
    if (!answer) throw new Error("no answer");
    const told = explain(answer, answered, asked, "agent_1");
    expect(told.lead).toBe("from the last sound to the first audio");
    expect(told.because).toBe("64 % of it was making sure that the user had finished.");
    expect(told.steps[0]?.text).toBe(
      "The verdict “finished” (the turn is over) asks for 450 ms of silence. The words were there after 280 ms.",
    );
    expect(told.steps[1]?.text).toBe("Asked ahead of time: its 300 ms cost only 130 ms.");
    expect(told.hints.map((hint) => hint.text)).toEqual([
      "With `turn_eagerness` “eager” this turn would have been over 150 ms earlier.",
    ]);
  });
});

describe("where turns are", () => {
  it("keeps turns in order of which only the whole second is known", () => {
    expect(momentsOf([asked, turn("agent", { time_in_call_secs: 9 }), answered])).toEqual([2, 4, 4]);
    expect(
      momentsOf([turn("user", { time_in_call_secs: 3 }), turn("agent", { time_in_call_secs: 2 })]),
    ).toEqual([3, 3]);
  });

  it("finds the turn of a moment", () => {
    expect([1, 2, 3.9, 4, 99].map((at) => turnAt([2, 4], at))).toEqual([-1, 0, 0, 1, 1]);
  });

  it("ranks", () => {
    expect([percentile([], 0.5), percentile([3, 1, 2], 0.5), percentile([3, 1, 2], 0.95)]).toEqual([
      null,
      2,
      3,
    ]);
  });
});
