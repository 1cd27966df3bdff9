import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api } from "./client";
import { useListed } from "./paging";

/** Anything that JSON can say. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

export interface AgentSummary {
  agent_id: string;
  name: string;
  voice_id: string;
  tags: string[];
  created_at_unix_secs: number;
  updated_at_unix_secs: number;
  last_call_time_unix_secs: number | null;
  /** Calls that began in the last seven days. */
  x_calls_7d: number;
}

/** An agent as the server gives it: the document that was pushed, with what the server knows beside it. */
export interface Agent {
  agent_id: string;
  name: string;
  tags: string[];
  conversation_config: JsonObject;
  platform_settings: JsonObject;
  workflow?: JsonObject | null;
  metadata: { created_at_unix_secs: number; updated_at_unix_secs: number };
  version_id: string;
}

export interface AgentVersion {
  id: string;
  name: string;
  version_description: string;
  seq_no_in_branch: number;
  time_committed_secs: number;
  is_current: boolean;
}

export interface Finding {
  level: "error" | "warning" | "note";
  /** Where in the agent, keys with dots between them; "" is the whole. */
  path: string;
  message: string;
}

const AGENTS = "/v1/convai/agents";
const VERSIONS = (agentId: string) => `/v1/x/agents/${agentId}/versions`;

export const useAgents = (search: string, tags: string[]) =>
  useListed<AgentSummary>(AGENTS, "agents", { search, tags, page_size: 50 });

export const agentKey = (agentId: string) => ["agent", agentId];

export const useAgent = (agentId: string) =>
  useQuery({
    queryKey: agentKey(agentId),
    queryFn: ({ signal }) => api.get<Agent>(`${AGENTS}/${agentId}`, {}, signal),
  });

/** The agent as it was in a version; a version never changes. */
export const useAgentAt = (agentId: string, versionId: string | null) =>
  useQuery({
    queryKey: [...agentKey(agentId), "version", versionId],
    queryFn: ({ signal }) => api.get<Agent>(`${AGENTS}/${agentId}`, { version_id: versionId }, signal),
    enabled: versionId !== null,
    staleTime: Infinity,
  });

export const useVersions = (agentId: string) =>
  useListed<AgentVersion>(VERSIONS(agentId), "versions", { page_size: 30 });

/** What the server thinks of an agent that need not be stored; `probes`: the addresses it names are tried too. */
export const useLint = (document: JsonObject, probes: boolean) =>
  useQuery({
    queryKey: ["agent-lint", JSON.stringify(document), probes],
    queryFn: () =>
      api
        .post<{ findings: Finding[] }>("/v1/x/agents/lint", document, { offline: !probes })
        .then((answer) => answer.findings),
    placeholderData: (previous) => previous,
    staleTime: 60_000,
    gcTime: 60_000,
  });

/** What can be done with agents; each forgets what it made untrue. */
export function useAgentActions() {
  const queries = useQueryClient();
  const forgetList = () => queries.invalidateQueries({ queryKey: [AGENTS] });
  const keep = async (agent: Agent) => {
    queries.setQueryData(agentKey(agent.agent_id), agent);
    await Promise.all([queries.invalidateQueries({ queryKey: [VERSIONS(agent.agent_id)] }), forgetList()]);
  };
  return {
    create: useMutation({
      mutationFn: (document: JsonObject) => api.post<{ agent_id: string }>(`${AGENTS}/create`, document),
      onSuccess: forgetList,
    }),
    save: useMutation({
      mutationFn: ({ agentId, patch, told }: { agentId: string; patch: JsonObject; told: string }) =>
        api.patch<Agent>(`${AGENTS}/${agentId}`, told ? { ...patch, version_description: told } : patch),
      onSuccess: keep,
    }),
    duplicate: useMutation({
      mutationFn: ({ agentId, name }: { agentId: string; name: string }) =>
        api.post<{ agent_id: string }>(`${AGENTS}/${agentId}/duplicate`, { name }),
      onSuccess: forgetList,
    }),
    remove: useMutation({
      mutationFn: (agentId: string) => api.delete(`${AGENTS}/${agentId}`),
      // Not waited for: with its row goes whoever asked, and would not be told.
      onSuccess: () => void forgetList(),
    }),
    restore: useMutation({
      mutationFn: ({ agentId, versionId }: { agentId: string; versionId: string }) =>
        api.post<Agent>(`${VERSIONS(agentId)}/${versionId}/restore`),
      onSuccess: keep,
    }),
  };
}
