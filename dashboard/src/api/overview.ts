import { useQuery } from "@tanstack/react-query";

import { api } from "./client";

export interface Day {
  /** As "2026-11-21", in the reader's time zone. */
  date: string;
  calls: number;
  minutes: number;
  failed: number;
}

export interface Latency {
  conversations: number;
  turns: number;
  p50_secs: number | null;
  p90_secs: number | null;
  p95_secs: number | null;
  p99_secs: number | null;
  steps: Record<string, { p50_secs: number | null; p95_secs: number | null }>;
}

export interface Ending {
  status: string;
  termination_reason: string;
  count: number;
}

export interface Warning {
  message: string;
  count: number;
  last_conversation_id: string;
}

export interface WebhookHealth {
  endpoints: number;
  disabled: number;
  waiting: number;
  delivered: number;
  failed: number;
  oldest_waiting_secs: number | null;
}

export interface Overview {
  generated_at_unix_secs: number;
  live: number;
  waiting_for_human: number;
  days: Day[];
  latency: Latency;
  endings: Ending[];
  warnings: Warning[];
  webhooks: WebhookHealth;
}

/** How the server has been doing in the last days; asked for again every few seconds. */
export function useOverview(days: number) {
  return useQuery({
    queryKey: ["overview", days],
    queryFn: ({ signal }) =>
      api.get<Overview>(
        "/v1/x/overview",
        { days, utc_offset_minutes: -new Date().getTimezoneOffset() },
        signal,
      ),
    refetchInterval: 10_000,
    placeholderData: (before) => before,
  });
}
