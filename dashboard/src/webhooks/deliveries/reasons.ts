import type { Delivery } from "@/api/webhooks";

export interface Reason {
  /** What happened, as a sentence. */
  text: string;
  /** What to do about it. */
  advice?: string;
}

const NOT_SENT: Record<string, Reason> = {
  not_configured: {
    text: "No endpoint is told about this: neither the workspace nor the agent names one.",
    advice: "Add an endpoint, or choose its events if you have one.",
  },
  event_not_enabled: {
    text: "An endpoint is there, but it is not told this kind of event.",
    advice: "Edit the endpoint and choose the event.",
  },
  disabled: {
    text: "The endpoint was switched off when the conversation ended.",
    advice: "Switch it on. What was not sent can be sent from here.",
  },
  unknown_webhook: {
    text: "The endpoint that is named does not exist any more.",
    advice: "Name another one in the settings or in the agent.",
  },
  no_audio: { text: "Nothing was recorded, so there is no recording to send." },
  not_redacted: {
    text: "The record is not redacted: the transcript has the original, and this would be the same again.",
  },
  original_not_kept: { text: "The original words are gone, or were never kept. They cannot be sent." },
  conversation_deleted: { text: "The conversation was deleted while its message was being made." },
};

const ATTEMPTS: Record<string, Reason> = {
  ok: { text: "The endpoint took it." },
  timeout: {
    text: "The endpoint did not answer in time.",
    advice: "Answer with 200 first and do the work afterwards.",
  },
  connection_failed: {
    text: "No connection could be made.",
    advice: "Check that the receiver runs and that this server reaches its address.",
  },
  address_refused: {
    text: "The address was not asked: this server may not reach it.",
    advice: "Private addresses need outbound_private or outbound_allow in the configuration of this server.",
  },
  invalid_url: { text: "The address is none.", advice: "Edit the endpoint and correct its URL." },
  invalid_header: {
    text: "A header of the endpoint cannot be sent, so it was not asked.",
    advice: "Look for an end of line in its secret, and edit the endpoint.",
  },
  value_not_found: {
    text: "The address or a header names a secret or variable that is gone.",
    advice: "Add it again, or edit the endpoint.",
  },
  not_made: {
    text: "The message could not be made, so the endpoint was not asked.",
    advice: "The log of this server says why, under webhook_not_made.",
  },
  unforeseen: {
    text: "Something went wrong in this server while the endpoint was asked.",
    advice: "The log of this server says what, under webhook_attempt_unforeseen.",
  },
  replayed: { text: "Somebody asked for it again; it goes out now." },
  test: { text: "A test that somebody sent." },
};

const BY_STATUS: Record<number, string> = {
  401: "It does not accept the request. Check the secret your code verifies with.",
  403: "It does not accept the request. Check the secret your code verifies with.",
  404: "Nothing is at this path. Check the URL of the endpoint.",
  405: "It does not take POST at this path. Check the URL of the endpoint.",
  413: "The message is too large for it. Recordings have several megabytes: raise the limit of your server.",
};

function answered(status: number): Reason {
  if (status >= 300 && status < 400)
    return {
      text: `The endpoint redirected (${status}), and redirects are not followed.`,
      advice: "Give the endpoint the address it redirects to.",
    };
  const advice = BY_STATUS[status];
  return { text: `The endpoint answered ${status}.`, ...(advice ? { advice } : {}) };
}

/** What a reason of the server means. */
export function reasonWords(reason: string): Reason {
  const status = /^http_(\d+)$/.exec(reason)?.[1];
  if (status) return answered(Number(status));
  return NOT_SENT[reason] ?? ATTEMPTS[reason] ?? { text: `${reason.replaceAll("_", " ")}.` };
}

/** Why a delivery is as it is. */
export function deliveryWords(delivery: Pick<Delivery, "status" | "reason" | "attempt_count">): Reason {
  const { status, reason, attempt_count } = delivery;
  if (status === "held") return { text: "The conversation still runs. The message is made when it ends." };
  if (status === "delivered") {
    return { text: attempt_count > 1 ? `It arrived at attempt ${attempt_count}.` : "It arrived." };
  }
  if (status === "waiting" && attempt_count === 0) return { text: "It goes out now." };
  const { text, advice } = reasonWords(reason);
  if (status === "waiting") return { text: `${text} It is tried again.`, ...(advice ? { advice } : {}) };
  if (status === "dead" && attempt_count > 0) {
    const end = attempt_count > 1 ? "It was given up." : "That is not tried again.";
    return { text: `${text} ${end}`, ...(advice ? { advice } : {}) };
  }
  return { text, ...(advice ? { advice } : {}) };
}
