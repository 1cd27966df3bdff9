/** What goes over the socket of a conversation, as it can be shown: audio is told by its size and length. */

export type Direction = "in" | "out" | "socket";

export interface Frame {
  /** Counts up from 1; nothing else has it. */
  id: number;
  /** Seconds since the call was begun. */
  at: number;
  direction: Direction;
  type: string;
  eventId: number | null;
  /** Characters as they were sent. */
  size: number;
  audio: { bytes: number; seconds: number } | null;
  /** The message; in place of audio it has a sentence about it. */
  message: unknown;
}

export interface AudioFormat {
  codec: string;
  rate: number;
}

export interface Formats {
  input: AudioFormat;
  output: AudioFormat;
}

export const USUAL_FORMATS: Formats = {
  input: { codec: "pcm", rate: 16000 },
  output: { codec: "pcm", rate: 16000 },
};

type Fields = Record<string, unknown>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** "pcm_16000" or "ulaw_8000"; anything else gives the usual format. */
export function readFormat(name: unknown): AudioFormat {
  const [codec, rate] = typeof name === "string" ? name.split("_") : [];
  return codec && Number(rate) > 0 ? { codec, rate: Number(rate) } : USUAL_FORMATS.input;
}

/** How many bytes a base64 text stands for. */
export function decodedLength(base64: string): number {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return Math.max(0, (base64.length / 4) * 3 - padding);
}

function audioOf(base64: string, format: AudioFormat) {
  const bytes = decodedLength(base64);
  return { bytes, seconds: bytes / (format.codec === "ulaw" ? 1 : 2) / format.rate };
}

const told = (audio: { bytes: number; seconds: number }) =>
  `<${audio.bytes} bytes of audio, ${Math.round(audio.seconds * 1000)} ms>`;

function eventIdOf(message: Fields): number | null {
  if (typeof message.event_id === "number") return message.event_id;
  for (const value of Object.values(message)) {
    if (isFields(value) && typeof value.event_id === "number") return value.event_id;
  }
  return null;
}

/** One text frame, read. What is no JSON object is shown as it came. */
export function readFrame(
  id: number,
  at: number,
  direction: "in" | "out",
  text: string,
  formats: Formats,
): Frame {
  const frame: Frame = {
    id,
    at,
    direction,
    type: "unreadable",
    eventId: null,
    size: text.length,
    audio: null,
    message: text,
  };
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return frame;
  }
  if (!isFields(message)) return frame;
  if (typeof message.user_audio_chunk === "string") {
    const audio = audioOf(message.user_audio_chunk, formats.input);
    return { ...frame, type: "user_audio_chunk", audio, message: { user_audio_chunk: told(audio) } };
  }
  frame.type = typeof message.type === "string" ? message.type : "unreadable";
  frame.eventId = eventIdOf(message);
  frame.message = message;
  const event = message.audio_event;
  if (frame.type === "audio" && isFields(event) && typeof event.audio_base_64 === "string") {
    frame.audio = audioOf(event.audio_base_64, formats.output);
    frame.message = { ...message, audio_event: { ...event, audio_base_64: told(frame.audio) } };
  }
  return frame;
}

/** The formats that a server announces, if this is the frame in which it does. */
export function announcedFormats(frame: Frame): Formats | null {
  if (frame.type !== "conversation_initiation_metadata" || !isFields(frame.message)) return null;
  const event = frame.message.conversation_initiation_metadata_event;
  if (!isFields(event)) return null;
  return {
    input: readFormat(event.user_input_audio_format),
    output: readFormat(event.agent_output_audio_format),
  };
}

/** What a frame says, in a few words for its line in the list. */
export function gist(frame: Frame): string {
  if (frame.audio) return "";
  if (!isFields(frame.message)) return String(frame.message);
  const values = Object.entries(frame.message).filter(([name]) => name !== "type");
  const only = values.length === 1 ? values[0]?.[1] : undefined;
  return (isFields(only) ? Object.entries(only) : values)
    .filter(([name, value]) => name !== "event_id" && value !== null && value !== undefined)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ")
    .slice(0, 240);
}

export interface FrameFilter {
  direction: "all" | "in" | "out";
  /** What comes all the time: audio and pings. */
  noise: boolean;
  /** Types to show; empty: all. */
  types: string[];
  text: string;
}

const isNoise = (frame: Frame) => frame.audio !== null || frame.type === "ping" || frame.type === "pong";

/** Whether a frame is among those that the reader wants to see. */
export function isWanted(frame: Frame, filter: FrameFilter): boolean {
  if (frame.direction !== "socket" && filter.direction !== "all" && frame.direction !== filter.direction) {
    return false;
  }
  if (filter.types.length) {
    if (!filter.types.includes(frame.type)) return false;
  } else if (isNoise(frame) && !filter.noise) {
    return false;
  }
  const wanted = filter.text.trim().toLowerCase();
  return (
    !wanted ||
    frame.type.includes(wanted) ||
    (!frame.audio && JSON.stringify(frame.message).toLowerCase().includes(wanted))
  );
}

/** One frame a line: JSON that other tools can read. Times are seconds since the call was begun. */
export const toNdjson = (frames: readonly Frame[]) =>
  frames
    .map(({ at, direction, type, eventId, size, message }) =>
      JSON.stringify({ at: Number(at.toFixed(4)), direction, type, event_id: eventId, size, message }),
    )
    .join("\n") + "\n";
