import { describe, expect, it } from "vitest";

import { type Direction, type Frame, readFrame, USUAL_FORMATS } from "./frames";
import { type Call, heardAndNot, isAboutToSpeak, NO_CALL, step } from "./transcript";

/** A call told by its messages, a second apart. */
function told(...messages: Sent[]): Call {
  const frames: Frame[] = messages.map(([direction, message], index) =>
    readFrame(index + 1, index, direction, JSON.stringify(message), USUAL_FORMATS),
  );
  return frames.reduce(step, NO_CALL);
}

type Sent = [Exclude<Direction, "socket">, Record<string, unknown>];

const came = (type: string, payload: string, event: Record<string, unknown>): Sent => [
  "in",
  { type, [payload]: event },
];
const said = (text: string, id: number) =>
  came("agent_response", "agent_response_event", { agent_response: text, event_id: id });
const heard = (text: string, id: number) =>
  came("user_transcript", "user_transcription_event", { user_transcript: text, event_id: id });
const sound = (id: number) => came("audio", "audio_event", { audio_base_64: "AAAA", event_id: id });
const part = (type: string, text: string, id: number) =>
  came("agent_chat_response_part", "text_response_part", { type, text, event_id: id });

describe("what was said, told from the frames", () => {
  it("replaces what the user seemed to say by what the user said", () => {
    const guess = came("tentative_user_transcript", "tentative_user_transcription_event", {
      user_transcript: "What?",
      event_id: 2,
    });
    expect(told(guess).items).toMatchObject([{ kind: "user", text: "What?", isPartial: true }]);
    expect(told(guess, heard("What are your hours?", 2)).items).toMatchObject([
      { kind: "user", text: "What are your hours?", isPartial: false },
    ]);
  });

  it("grows streamed text and keeps it once when the whole comes", () => {
    const streamed = [part("start", "", 3), part("delta", "Soup ", 3), part("delta", "and fish", 3)];
    expect(told(...streamed).items).toMatchObject([{ text: "Soup and fish", isPartial: true }]);
    const whole = told(...streamed, part("stop", "", 3), said("Soup and fish.", 3));
    expect(whole.items).toMatchObject([{ text: "Soup and fish.", isPartial: false, isWhole: true }]);
    const early = told(...streamed, said("Soup and fish.", 3), part("delta", "x", 3), part("stop", "", 3));
    expect(early.items).toMatchObject([{ text: "Soup and fish.", isPartial: false }]);
  });

  it("counts an answer from the user's words to its first sound", () => {
    const call = told(
      said("Hello.", 1),
      sound(1),
      heard("Hours?", 2),
      said("From noon.", 3),
      sound(3),
      sound(3),
    );
    expect(call.items.at(-1)).toMatchObject({ askedAt: 2, answeredAt: 4 });
    expect(call.items[0]).toMatchObject({ askedAt: null });
    expect(isAboutToSpeak(call)).toBe(false);
    const silent = told(said("Hello.", 1), sound(1), heard("Hours?", 2), said("From noon.", 3));
    expect(silent.items.at(-1)).toMatchObject({ answeredAt: null });
    expect(isAboutToSpeak(silent)).toBe(true);
  });

  it("shows what of an interrupted reply was heard", () => {
    const correction = {
      original_agent_response: "soup, fish, bread",
      corrected_agent_response: "soup, fish...",
      event_id: 1,
    };
    const call = told(
      said("soup, fish, bread", 1),
      came("interruption", "interruption_event", { event_id: 1 }),
      came("agent_response_correction", "agent_response_correction_event", correction),
    );
    expect(call.items).toMatchObject([{ isInterrupted: true, heard: "soup, fish..." }]);
    expect(heardAndNot("soup, fish, bread", "soup, fish...")).toEqual(["soup, fish", ", bread"]);
    expect(heardAndNot("soup", "...")).toEqual(["", "soup"]);
  });

  it("follows a client tool from the wish to the answer", () => {
    const tool = { tool_name: "show", tool_call_id: "c1", event_id: 3 };
    const asked = told(
      came("agent_tool_request", "agent_tool_request", { ...tool, tool_type: "client" }),
      came("client_tool_call", "client_tool_call", {
        ...tool,
        parameters: { text: "hi" },
        expects_response: true,
      }),
    );
    expect(asked.items).toMatchObject([{ state: "waiting", parameters: { text: "hi" } }]);
    const answer = { type: "client_tool_result", tool_call_id: "c1", result: "shown", is_error: false };
    const frame = readFrame(9, 2, "out", JSON.stringify(answer), USUAL_FORMATS);
    expect(step(asked, frame).items).toMatchObject([{ state: "done", result: "shown", endedAt: 2 }]);
  });

  it("does not mind what it does not know", () => {
    expect(told(came("from_the_future", "something", { event_id: 1 }))).toEqual(NO_CALL);
  });
});
