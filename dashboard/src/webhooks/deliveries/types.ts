/** Types of messages, in words. */
export const TYPES: Record<string, string> = {
  post_call_transcription: "Transcript",
  post_call_transcription_otel: "Transcript as OpenTelemetry",
  post_call_audio: "Recording",
  call_initiation_failure: "Call that could not begin",
};

export const STATES = {
  held: { label: "Held until the end", colour: "gray" },
  waiting: { label: "Waiting", colour: "blue" },
  delivered: { label: "Delivered", colour: "teal" },
  dead: { label: "Given up", colour: "red" },
  skipped: { label: "Not sent", colour: "gray" },
} as const;
