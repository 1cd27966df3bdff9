import type { LiveStatus } from "@/api/live";

interface Told {
  label: string;
  /** The colour of its mark: a Mantine colour name. */
  colour: string;
  /** How its mark moves. */
  motion: "still" | "voice" | "breathe";
}

/** What happens in a conversation now, in words. */
export const STATUSES: Record<LiveStatus, Told> = {
  listening: { label: "Listening", colour: "gray", motion: "still" },
  user_speaking: { label: "Caller speaks", colour: "teal", motion: "voice" },
  thinking: { label: "Thinking", colour: "violet", motion: "breathe" },
  running_tools: { label: "Runs a tool", colour: "orange", motion: "breathe" },
  speaking: { label: "Agent speaks", colour: "ink", motion: "voice" },
  waiting_for_human: { label: "Waits for a person", colour: "orange", motion: "breathe" },
  taken_over: { label: "Taken over", colour: "grape", motion: "still" },
  client_away: { label: "Caller is away", colour: "gray", motion: "breathe" },
  ending: { label: "Ending", colour: "gray", motion: "still" },
  ended: { label: "Ended", colour: "gray", motion: "still" },
};
