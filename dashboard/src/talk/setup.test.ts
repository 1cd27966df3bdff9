import { describe, expect, it } from "vitest";

import { endingOf, refusalOf } from "./ending";
import { clientTool, countSet, isAllowed, NO_SETUP, problemsOf, sessionOptions } from "./setup";

describe("what is said before a call", () => {
  it("says nothing that was not filled in", () => {
    expect(sessionOptions(NO_SETUP, false)).toEqual({ overrides: { agent: {}, tts: {} } });
    expect(sessionOptions({ ...NO_SETUP, variables: { name: "" } }, true)).toEqual({
      textOnly: true,
      overrides: { agent: {}, tts: {} },
    });
    expect(countSet(NO_SETUP)).toBe(0);
  });

  it("puts fields and JSON together", () => {
    const setup = {
      ...NO_SETUP,
      variables: { name: "Ada" },
      moreVariables: '{"vip": true}',
      firstMessage: "Hi {{name}}",
      llm: "large",
      promptMore: '{"tool_ids": []}',
      speed: "1.1",
      extraBody: '{"tenant": "north"}',
    };
    expect(sessionOptions(setup, false)).toEqual({
      dynamicVariables: { name: "Ada", vip: true },
      customLlmExtraBody: { tenant: "north" },
      overrides: {
        agent: { prompt: { tool_ids: [], llm: "large" }, firstMessage: "Hi {{name}}" },
        tts: { speed: 1.1 },
      },
    });
    expect(countSet(setup)).toBe(7);
  });

  it("says what is wrong with it", () => {
    const problems = problemsOf({
      ...NO_SETUP,
      extraBody: "{",
      promptMore: "[]",
      moreVariables: '{"a": {}}',
    });
    expect(Object.keys(problems).sort()).toEqual(["extraBody", "moreVariables", "promptMore"]);
    expect(problemsOf(NO_SETUP)).toEqual({});
  });

  it("knows what the agent allows and which tools are the client's", () => {
    const agent = {
      platform_settings: { overrides: { conversation_config_override: { tts: { voice_id: true } } } },
    };
    expect([isAllowed(agent, "voiceId"), isAllowed(agent, "prompt")]).toEqual([true, false]);
    expect(clientTool({ type: "webhook", name: "x" })).toBeNull();
    expect(clientTool({ type: "client", name: "show" })).toMatchObject({
      name: "show",
      expectsAnswer: false,
      timeoutSecs: 20,
    });
    expect(clientTool({ type: "client", name: "ask", expects_response: true })?.expectsAnswer).toBe(true);
  });
});

describe("why a call ended", () => {
  it("is a sentence", () => {
    expect(endingOf({ reason: "user" }).title).toBe("You ended the call");
    expect(endingOf({ reason: "agent", context: { type: "end_call" } }).text).toContain("end_call");
    expect(endingOf({ reason: "error", closeCode: 1011 }).text).toBe("The server had an error of its own.");
    expect(endingOf({ reason: "error", closeCode: 1002, closeReason: "No model answers" }).text).toBe(
      "No model answers.",
    );
    expect(refusalOf({ message: "x", closeCode: 3000 }).text).toBe("The server did not let this call in.");
  });
});
