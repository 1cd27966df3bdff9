import { describe, expect, it } from "vitest";

import { answering, interrupting, nobodySpeaks, PATIENCE, type Scene, slowModel } from "./scenes";

const bar = (scene: Scene, id: string) => scene.bars.find((one) => one.id === id);

describe("turn-taking as a picture", () => {
  it("a more eager agent answers sooner, and speculation hides the model's time", () => {
    const off = { speculates: false, spellsPatiently: true };
    const spoken = (["eager", "normal", "patient"] as const).map(
      (eagerness) => bar(answering(eagerness, "finished", off), "agent")?.from ?? 0,
    );
    expect(spoken).toEqual([...spoken].sort());
    const early = answering("patient", "silence", { speculates: true, spellsPatiently: true });
    expect(bar(early, "agent")?.from).toBe(PATIENCE.patient.silence);
    const dictated = answering("normal", "spelling", { speculates: true, spellsPatiently: true });
    expect(bar(dictated, "model")?.from).toBe(PATIENCE.normal.spelling);
    const impatient = answering("normal", "spelling", { speculates: false, spellsPatiently: false });
    expect(bar(impatient, "model")?.from).toBe(PATIENCE.normal.silence);
  });

  it("mhm stops an agent that does not ignore it, and it goes on", () => {
    const usual = { minSpeech: 0.2, minWords: 0, ignoresHums: false, resumes: true };
    expect(bar(interrupting(usual), "second")).toBeDefined();
    expect(bar(interrupting({ ...usual, resumes: false }), "second")).toBeUndefined();
    expect(bar(interrupting({ ...usual, ignoresHums: true }), "first")?.to).toBeGreaterThan(3.2);
    expect(bar(interrupting({ ...usual, minSpeech: 0.5 }), "first")?.to).toBe(3.7);
  });

  it("never is never", () => {
    const scene = nobodySpeaks(-1, -1);
    expect([scene.marks.length, scene.bars.length]).toEqual([0, 1]);
    expect(nobodySpeaks(30, 20).bars).toHaveLength(1);
    expect(bar(nobodySpeaks(7, 30), "again")?.from).toBe(7);
    expect(slowModel(-1, 1, "Hm").bars).toHaveLength(3);
    expect(slowModel(2, 2, "Hm").bars.filter(({ look }) => look === "filler")).toHaveLength(2);
  });
});
