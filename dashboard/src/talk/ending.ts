/** Why a call ended, or did not begin, as a sentence. */

export interface Ending {
  by: "you" | "agent" | "failure";
  title: string;
  text: string;
}

interface Disconnection {
  reason: "user" | "agent" | "error";
  message?: string;
  closeCode?: number;
  closeReason?: string;
  context?: { type: string };
}

/** What a close code means when the server gave no reason. */
const MEANINGS: Record<number, string> = {
  1001: "The server is stopping.",
  1002: "Something that the call needs did not answer.",
  1006: "The connection broke without a goodbye: the server or the network went away.",
  1008: "The server refused what was sent.",
  1011: "The server had an error of its own.",
  3000: "The server did not let this call in.",
  3008: "Too many calls are running.",
  4001: "The conversation goes on over another connection.",
  4300: "No place became free in time.",
};

const sentence = (text: string) => (/[.!?…]$/.test(text) ? text : `${text}.`);

/** How a call that ran has ended. */
export function endingOf(details: Disconnection): Ending {
  if (details.reason === "user") return { by: "you", title: "You ended the call", text: "" };
  if (details.reason === "agent") {
    const said = details.closeReason ? sentence(details.closeReason) : "";
    return details.context?.type === "end_call"
      ? { by: "agent", title: "The agent ended the call", text: "It called its tool end_call." }
      : { by: "agent", title: "The agent ended the call", text: said };
  }
  const meaning = MEANINGS[details.closeCode ?? 0] ?? "";
  const said = details.closeReason ?? details.message;
  return { by: "failure", title: "The call broke off", text: said ? sentence(said) : meaning };
}

/** Why a call did not begin, when it was not the microphone. */
export function refusalOf(error: { message: string; closeCode?: number; closeReason?: string }): Ending {
  const text = error.closeReason ?? MEANINGS[error.closeCode ?? 0] ?? error.message;
  return { by: "failure", title: "The call could not begin", text: sentence(text) };
}
