import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api } from "./client";
import { useListed } from "./paging";

export const ENDPOINTS = "/v1/workspace/webhooks";
export const DELIVERIES = "/v1/x/webhook-deliveries";
const X = "/v1/x/webhooks";
const SETTINGS = "/v1/convai/settings";

export interface Endpoint {
  name: string;
  webhook_id: string;
  webhook_url: string;
  is_disabled: boolean;
  created_at_unix: number;
  usage: { usage_type: string }[] | null;
  /** Values as they are, or objects that say where a value stands. */
  request_headers: Record<string, unknown> | null;
  most_recent_failure_error_code: number | null;
  most_recent_failure_timestamp: number | null;
  x_most_recent_failure_reason: string | null;
  x_circuit: {
    state: "closed" | "open" | "half_open";
    failures: number;
    probe_at_unix_secs: number | null;
  };
}

export type EventName = "transcript" | "audio" | "call_initiation_failure" | "unredacted_transcript";

export interface Further {
  webhook_id: string;
  events?: string[] | null;
  [more: string]: unknown;
}

/** What endpoints are told for all agents. */
export interface WebhookSettings {
  post_call_webhook_id: string | null;
  events: string[] | null;
  x_endpoints?: Further[] | null;
  [more: string]: unknown;
}

export type DeliveryStatus = "held" | "waiting" | "delivered" | "dead" | "skipped";

export interface Delivery {
  delivery_id: string;
  event_id: string;
  type: string;
  webhook_id: string | null;
  status: DeliveryStatus;
  reason: string;
  conversation_id: string | null;
  agent_id: string | null;
  created_at_unix_secs: number;
  next_attempt_at_unix_secs: number | null;
  ended_at_unix_secs: number | null;
  attempt_count: number;
  last_status_code: number | null;
}

export interface Attempt {
  at: number;
  status_code: number | null;
  reason: string;
  seconds: number;
  answer: string | null;
}

export interface DeliveryDetails extends Delivery {
  body: string | null;
  attempts: Attempt[];
}

export interface DeliveryFilters {
  webhook_id: string;
  conversation_id: string;
  status: string;
  type: string;
}

/** Every endpoint, oldest first; asked for again, because how they behave changes by itself. */
export const useEndpoints = () =>
  useQuery({
    queryKey: [ENDPOINTS],
    queryFn: ({ signal }) => api.get<{ webhooks: Endpoint[] }>(ENDPOINTS, { include_usages: true }, signal),
    select: ({ webhooks }) => webhooks,
    refetchInterval: 10_000,
  });

export const useWebhookSettings = () =>
  useQuery({
    queryKey: [SETTINGS],
    queryFn: ({ signal }) => api.get<{ webhooks: WebhookSettings }>(SETTINGS, {}, signal),
    select: ({ webhooks }) => webhooks,
  });

export const useDeliveries = (filters: DeliveryFilters) =>
  useListed<Delivery>(
    DELIVERIES,
    "deliveries",
    { ...filters, page_size: 50 },
    { refresh: { everyMs: 5_000, id: "delivery_id" } },
  );

/** One delivery; looked at again while it may change. */
export const useDelivery = (id: string) =>
  useQuery({
    queryKey: [DELIVERIES, id],
    queryFn: ({ signal }) => api.get<DeliveryDetails>(`${DELIVERIES}/${encodeURIComponent(id)}`, {}, signal),
    refetchInterval: ({ state }) =>
      state.data?.status === "waiting" || state.data?.status === "held" ? 2_000 : false,
  });

/** What can be done with endpoints and deliveries; each forgets what it made untrue. */
export function useWebhookActions() {
  const queries = useQueryClient();
  const forget = () =>
    Promise.all(
      [ENDPOINTS, SETTINGS, DELIVERIES].map((path) => queries.invalidateQueries({ queryKey: [path] })),
    );
  const at = (id: string) => `${X}/${encodeURIComponent(id)}`;
  return {
    create: useMutation({
      mutationFn: (settings: { name: string; webhook_url: string; request_headers?: unknown }) =>
        api.post<{ webhook_id: string; webhook_secret: string }>(ENDPOINTS, {
          settings: { auth_type: "hmac", ...settings },
        }),
      onSuccess: forget,
    }),
    update: useMutation({
      mutationFn: ({
        webhook_id,
        ...change
      }: Partial<Endpoint> & Pick<Endpoint, "webhook_id" | "name" | "is_disabled">) =>
        api.patch(`${ENDPOINTS}/${encodeURIComponent(webhook_id)}`, change),
      onSuccess: forget,
    }),
    remove: useMutation({
      mutationFn: (id: string) => api.delete(`${ENDPOINTS}/${encodeURIComponent(id)}`),
      onSuccess: forget,
    }),
    rotate: useMutation({
      mutationFn: ({ id, overlapSecs }: { id: string; overlapSecs: number }) =>
        api.post<{ webhook_secret: string; previous_secret_valid_until_unix: number }>(
          `${at(id)}/rotate-secret`,
          { overlap_secs: overlapSecs },
        ),
      onSuccess: forget,
    }),
    enable: useMutation({ mutationFn: (id: string) => api.post(`${at(id)}/enable`), onSuccess: forget }),
    test: useMutation({
      mutationFn: ({ id, types }: { id: string; types: string[] }) =>
        api.post<{ deliveries: DeliveryDetails[] }>(`${at(id)}/test`, { types }),
      onSuccess: forget,
    }),
    tell: useMutation({
      // Of the settings as they are at that moment, not as this page knows them: somebody else may have changed them.
      mutationFn: async (change: (now: WebhookSettings) => Partial<WebhookSettings>) => {
        const { webhooks } = await api.get<{ webhooks: WebhookSettings }>(SETTINGS);
        return api.patch(SETTINGS, { webhooks: change(webhooks) });
      },
      onSuccess: forget,
    }),
    replay: useMutation({
      mutationFn: (id: string) => api.post(`${DELIVERIES}/${encodeURIComponent(id)}/replay`),
      onSuccess: forget,
    }),
  };
}
