import { describe, expect, it } from "vitest";

import {
  announcedFormats,
  decodedLength,
  type FrameFilter,
  gist,
  isWanted,
  readFormat,
  readFrame,
  toNdjson,
  USUAL_FORMATS,
} from "./frames";

const read = (message: unknown, direction: "in" | "out" = "in", formats = USUAL_FORMATS) =>
  readFrame(1, 0.5, direction, JSON.stringify(message), formats);

const ALL: FrameFilter = { direction: "all", noise: false, types: [], text: "" };

describe("frames of a conversation", () => {
  it("tells audio by its length and size, in the formats that the server announced", () => {
    expect([decodedLength("AAAA"), decodedLength("AAA="), decodedLength("AA=="), decodedLength("")]).toEqual([
      3, 2, 1, 0,
    ]);
    const audio = { type: "audio", audio_event: { audio_base_64: btoa("x".repeat(3200)), event_id: 4 } };
    expect(read(audio)).toMatchObject({ eventId: 4, audio: { bytes: 3200, seconds: 0.1 } });
    expect(read(audio).message).toEqual({
      type: "audio",
      audio_event: { audio_base_64: "<3200 bytes of audio, 100 ms>", event_id: 4 },
    });
    const metadata = read({
      type: "conversation_initiation_metadata",
      conversation_initiation_metadata_event: { agent_output_audio_format: "ulaw_8000" },
    });
    expect(read(audio, "in", announcedFormats(metadata) ?? USUAL_FORMATS).audio?.seconds).toBe(0.4);
    expect(readFormat("mp3")).toEqual(USUAL_FORMATS.input);
    expect(read({ user_audio_chunk: "AAAA" }, "out")).toMatchObject({
      type: "user_audio_chunk",
      audio: { bytes: 3 },
    });
  });

  it("keeps what it cannot read as it came", () => {
    expect(readFrame(1, 0, "in", "not json", USUAL_FORMATS)).toMatchObject({
      type: "unreadable",
      message: "not json",
    });
    expect(read([1, 2])).toMatchObject({ type: "unreadable" });
  });

  it("shows what is asked for, without audio and pings unless they are", () => {
    const ping = read({ type: "ping", ping_event: { event_id: 1, ping_ms: null } });
    const said = read({ type: "user_message", text: "Hello there" }, "out");
    expect([isWanted(ping, ALL), isWanted(said, ALL)]).toEqual([false, true]);
    expect(isWanted(ping, { ...ALL, noise: true })).toBe(true);
    expect(isWanted(ping, { ...ALL, types: ["ping"] })).toBe(true);
    expect(isWanted(said, { ...ALL, direction: "in" })).toBe(false);
    expect([isWanted(said, { ...ALL, text: " hello" }), isWanted(said, { ...ALL, text: "goodbye" })]).toEqual(
      [true, false],
    );
    expect([gist(said), gist(ping)]).toEqual(["text: Hello there", ""]);
  });

  it("gives one line of JSON for each", () => {
    const lines = toNdjson([read({ type: "user_activity" }, "out")]);
    expect(JSON.parse(lines)).toEqual({
      at: 0.5,
      direction: "out",
      type: "user_activity",
      event_id: null,
      size: 24,
      message: { type: "user_activity" },
    });
  });
});
