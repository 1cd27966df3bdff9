import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import type { JsonObject } from "./agents";
import { api } from "./client";

/** What an endpoint may be sent. */
export const WEBHOOK_EVENTS = [
  "transcript",
  "audio",
  "call_initiation_failure",
  "unredacted_transcript",
] as const;

export interface SettingsWebhooks {
  post_call_webhook_id: string | null;
  events: string[];
  transcript_format: "json" | "opentelemetry";
  exclude_transcript: boolean;
}

/** Asked before a conversation begins, for who calls and how the agent is to be. */
export interface PreCallWebhook {
  url: string;
  request_headers?: JsonObject;
  x_channels?: string[];
  x_timeout_secs?: number;
  x_on_failure?: "proceed" | "reject";
}

/** What holds for all agents. */
export interface WorkspaceSettings {
  conversation_initiation_client_data_webhook: PreCallWebhook | null;
  webhooks: SettingsWebhooks;
}

export interface WorkspaceChange {
  conversation_initiation_client_data_webhook?: PreCallWebhook | null;
  webhooks?: Partial<SettingsWebhooks>;
}

/** How the server was started. */
export interface ServerInfo {
  version: string;
  python: string;
  host: string;
  port: number;
  public_url: string | null;
  data: string | null;
  database: string | null;
  models: string;
  auth: "auto" | "required" | "off";
  is_key_needed: boolean;
  egress: "all" | "none";
  outbound_private: "auto" | "allow" | "deny";
  outbound_allow: string[];
  cors_origins: string[];
  record_audio: boolean;
  retention_days: number | null;
  zero_retention: boolean;
  analysis: "auto" | "off";
  tool_mocks: string;
  audit_retention_days: number | null;
}

export type Limit = number | string | boolean | null | Limit[] | { [name: string]: Limit };

const SETTINGS = "/v1/convai/settings";

export const useWorkspaceSettings = () =>
  useQuery({
    queryKey: [SETTINGS],
    queryFn: ({ signal }) => api.get<WorkspaceSettings>(SETTINGS, {}, signal),
  });

export function useChangeWorkspace() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (changes: WorkspaceChange) => api.patch<WorkspaceSettings>(SETTINGS, changes),
    onSuccess: (answer) => queries.setQueryData([SETTINGS], answer),
  });
}

/** The endpoints that may be chosen. */
export const useWebhookChoices = () =>
  useQuery({
    queryKey: ["/v1/workspace/webhooks", "choices"],
    queryFn: ({ signal }) =>
      api.get<{ webhooks: { webhook_id: string; name: string; webhook_url: string }[] }>(
        "/v1/workspace/webhooks",
        {},
        signal,
      ),
    select: (answer) => answer.webhooks,
  });

export const useServer = () =>
  useQuery({
    queryKey: ["/v1/x/server"],
    queryFn: ({ signal }) => api.get<ServerInfo>("/v1/x/server", {}, signal),
    staleTime: 60_000,
  });

export const useLimits = () =>
  useQuery({
    queryKey: ["/v1/x/limits"],
    queryFn: ({ signal }) => api.get<Record<string, Limit>>("/v1/x/limits", {}, signal),
    staleTime: 60_000,
  });
