import type { EventName, Further, WebhookSettings } from "@/api/webhooks";

/** What an endpoint can be told, in the words of the page. */
export const EVENTS: Record<EventName, { label: string; help: string }> = {
  transcript: {
    label: "Transcript",
    help: "The record of a conversation that has ended, with its analysis.",
  },
  audio: { label: "Recording", help: "The MP3 of a call, inside the message." },
  call_initiation_failure: {
    label: "Call that could not begin",
    help: "A conversation that was refused before it began, and why.",
  },
  unredacted_transcript: {
    label: "Unredacted transcript",
    help: "What was said, of agents that redact their records.",
  },
};

export const EVENT_NAMES = Object.keys(EVENTS) as EventName[];

/** What an endpoint is told when nobody says what. */
const USUAL = ["transcript"];

const others = (settings: WebhookSettings, id: string): Further[] =>
  (settings.x_endpoints ?? []).filter((one) => one.webhook_id !== id);

/** The events an endpoint is told for all agents; none: agents may still name it themselves. */
export function told(settings: WebhookSettings, id: string): string[] {
  const events = settings.post_call_webhook_id === id ? (settings.events ?? USUAL) : [];
  const further = (settings.x_endpoints ?? []).filter((one) => one.webhook_id === id);
  return [...new Set([...events, ...further.flatMap((one) => one.events ?? USUAL)])];
}

/** The change of the settings after which an endpoint is told just these events. Everything else stays as it is. */
export function telling(settings: WebhookSettings, id: string, events: string[]): Partial<WebhookSettings> {
  const isMain = settings.post_call_webhook_id === id;
  const rest = others(settings, id);
  const was = (settings.x_endpoints ?? []).find((one) => one.webhook_id === id);
  const withoutIt = was ? { x_endpoints: rest } : {};
  if (!events.length) return { ...(isMain ? { post_call_webhook_id: null } : {}), ...withoutIt };
  if (isMain) return { events, ...withoutIt };
  if (!settings.post_call_webhook_id && !was) return { post_call_webhook_id: id, events };
  return { x_endpoints: [...rest, { ...was, webhook_id: id, events }] };
}
