/** What the record's codes mean, in words. */

import type { CallCommand, ConversationRecord, ConversationStatus } from "@/api/conversations";

const DEEDS: Record<string, string> = {
  takeover_begin: "took over",
  takeover_end: "gave it back",
  takeover_lapsed: "was away for too long and lost it",
  human_message: "wrote to the user",
  agent_message: "had the agent say something",
  user_message: "wrote in the user’s place",
  contextual_update: "told the agent something",
  variables: "set variables",
  tool_result: "answered a tool",
  transfer_to_number: "asked for a transfer of the call",
  waiting_for_human_begin: "asked for a person",
  waiting_for_human_end: "called off that a person was asked for",
  end: "ended it",
};

/** What somebody outside the call did in it. */
export const deedWords = (command: { type: string; forced_from?: string }) =>
  command.forced_from
    ? `took it away from ${command.forced_from}`
    : (DEEDS[command.type] ?? command.type.replaceAll("_", " "));

export const STATUS: Record<ConversationStatus, { label: string; colour: string }> = {
  initiated: { label: "Announced", colour: "gray" },
  "in-progress": { label: "Running", colour: "teal" },
  processing: { label: "Being analysed", colour: "blue" },
  done: { label: "Done", colour: "gray" },
  failed: { label: "Failed", colour: "red" },
};

export const VERDICT = {
  success: { label: "Success", colour: "teal" },
  failure: { label: "Failure", colour: "red" },
  unknown: { label: "Not judged", colour: "gray" },
} as const;

/** Tools by which the agent hangs up: who ended records from before there were causes. */
const HANGING_UP = new Set(["end_call", "voicemail_detection"]);

/** Who ended a conversation and why, as one sentence. */
export function endingWords(record: ConversationRecord): string {
  const { status, metadata } = record;
  if (status === "initiated") return "Announced: nobody has called yet.";
  if (status === "in-progress") return "It is still running.";
  const reason = metadata.termination_reason || metadata.x_close?.reason || "no reason was stored";
  const close = metadata.x_close;
  switch (close?.by) {
    case "client": {
      const left = wasCutOff(record) ? "The client’s connection was lost" : "The client ended it";
      if (close.cause === "client_lost") return `The client was waited for in vain: ${sentence(reason)}`;
      if (close.cause === undefined || close.cause === "client") return `${left}: ${sentence(reason)}`;
      return `${whoEnded(record)}: ${sentence(reason)} ${left} during the last words.`;
    }
    case "server":
      return `${whoEnded(record)}: ${sentence(reason)}${close.client_away ? " The client was away, and was not told." : ""}`;
    case "crash":
      return "The server was killed or crashed while it ran.";
    default:
      return sentence(reason);
  }
}

function whoEnded({ status, metadata, transcript }: ConversationRecord): string {
  const cause = metadata.x_close?.cause;
  const hasFailed = status === "failed" || Boolean(metadata.error);
  const lastTool = transcript
    .flatMap((turn) => turn.tool_results.filter((result) => !result.is_error))
    .at(-1);
  const isOld = cause === undefined;
  if (cause === "agent" || (isOld && lastTool && HANGING_UP.has(lastTool.tool_name)))
    return "The agent ended it";
  const command = metadata.x_commands?.findLast((one) => one.type === "end");
  if (cause === "command" || (isOld && !hasFailed && command && command === metadata.x_commands?.at(-1)))
    return `${(command && doer(command)) || "Somebody"} ended it from outside`;
  return hasFailed ? "The server ended it after a failure" : "The server ended it";
}

/** The client sent no close frame: its connection broke. */
export const wasCutOff = ({ metadata: { x_close } }: ConversationRecord) =>
  x_close?.by === "client" && x_close.code === 1006;

/** The person in whose name it was commanded, and the key that did it if that is another. */
export const doer = ({ by, operator }: CallCommand) =>
  !operator ? by : ["", "local", operator].includes(by) ? operator : `${operator} (by ${by})`;

const sentence = (text: string) => (/[.!?…]$/.test(text) ? text : `${text}.`);

/** Dollars; very small ones with as many digits as they need. */
export function money(amount: number | null | undefined): string {
  if (amount === null || amount === undefined) return "–";
  if (amount === 0) return "$0";
  if (amount < 0.01) return `$${amount.toPrecision(2)}`;
  return `$${amount.toFixed(amount < 1 ? 3 : 2)}`;
}
