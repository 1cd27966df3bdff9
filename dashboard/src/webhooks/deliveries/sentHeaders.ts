import type { DeliveryDetails } from "@/api/webhooks";

export interface SentHeader {
  name: string;
  value: string;
  means: string;
}

/** The headers of the newest attempt, or of the first one that is to come. Signatures are not kept: they are shown by their form. */
export function sentHeaders(delivery: DeliveryDetails, own: Record<string, unknown> | null): SentHeader[] {
  const last = delivery.attempts.at(-1);
  const at = last ? String(Math.floor(last.at)) : "…";
  return [
    {
      name: "ElevenLabs-Signature",
      value: `t=${at},v0=…`,
      means: "HMAC-SHA256 with the secret over t, a dot and the body, in hex. Made anew for each attempt.",
    },
    {
      name: "webhook-id",
      value: delivery.event_id,
      means: "With the next two: the same by Standard Webhooks.",
    },
    { name: "webhook-timestamp", value: at, means: "When this attempt was signed." },
    {
      name: "webhook-signature",
      value: "v1,…",
      means: "HMAC-SHA256 over id, time and body with dots between them, in base64.",
    },
    {
      name: "X-Webhook-Event-Id",
      value: delivery.event_id,
      means: "Recognise duplicates by it: it is the same at every attempt and when it is resent.",
    },
    {
      name: "X-Webhook-Attempt",
      value: String(Math.max(1, delivery.attempts.length)),
      means: "Which attempt this is.",
    },
    { name: "X-Webhook-Type", value: delivery.type, means: "The type of the message, as in its body." },
    ...Object.entries(own ?? {}).map(([name, value]) => ({
      name,
      value: typeof value === "string" ? value : "a value that is not shown",
      means: "A header of this endpoint, as it is set now.",
    })),
  ];
}
