import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import type { Json, JsonObject } from "./agents";
import { api } from "./client";
import { useListed } from "./paging";

export const TOOLS = "/v1/convai/tools";
export const MCP_SERVERS = "/v1/convai/mcp-servers";

export interface Dependent {
  id: string;
  name: string;
}

export interface Tool {
  id: string;
  tool_config: JsonObject & { name: string; type: string };
  x_dependent_agents?: Dependent[];
}

/** What came of a call outside of any conversation. */
export interface Invocation {
  result: string;
  is_error: boolean;
  error_type: string;
  raw_error_message: string;
  tool_has_been_called: boolean;
  status_code: number | null;
  response: Json;
  request: JsonObject | null;
  latency_secs: number;
  warnings: string[];
}

export interface McpServer {
  id: string;
  config: JsonObject & { name: string; url: Json; approval_policy?: string; transport?: string };
  dependent_agents: Dependent[];
}

export interface McpTools {
  success: boolean;
  error_message: string | null;
  tools: { name: string; description?: string | null; inputSchema: JsonObject }[];
  tool_approval_statuses: {
    tool_id: string;
    state: "up_to_date" | "needs_review" | "not_approved";
    approval_policy: "auto_approved" | "requires_approval";
  }[];
}

const one = (root: string, id: string) => `${root}/${encodeURIComponent(id)}`;

export const useTools = (search: string, type: string | null) =>
  useListed<Tool>(TOOLS, "tools", { search, types: type, page_size: 50 });

export const useTool = (id: string) =>
  useQuery({
    queryKey: [TOOLS, "one", id],
    queryFn: ({ signal }) => api.get<Tool>(one(TOOLS, id), {}, signal),
  });

export const useToolAgents = (id: string) =>
  useQuery({
    queryKey: [TOOLS, "agents", id],
    queryFn: ({ signal }) =>
      api.get<{ agents: Dependent[] }>(`${one(TOOLS, id)}/dependent-agents`, {}, signal),
    select: ({ agents }) => agents,
  });

export const useMcpServers = () =>
  useQuery({
    queryKey: [MCP_SERVERS],
    queryFn: ({ signal }) => api.get<{ mcp_servers: McpServer[] }>(MCP_SERVERS, {}, signal),
    select: ({ mcp_servers }) => mcp_servers,
  });

export const useMcpServer = (id: string) =>
  useQuery({
    queryKey: [MCP_SERVERS, id],
    queryFn: ({ signal }) => api.get<McpServer>(one(MCP_SERVERS, id), {}, signal),
  });

/** Asks the MCP server itself what it offers. */
export const useMcpTools = (id: string) =>
  useQuery({
    queryKey: [MCP_SERVERS, id, "tools"],
    queryFn: ({ signal }) => api.get<McpTools>(`${one(MCP_SERVERS, id)}/tools`, {}, signal),
  });

/** What can be done with tools and MCP servers; each forgets what it made untrue. */
export function useToolActions() {
  const queries = useQueryClient();
  const forget = () =>
    Promise.all(
      [TOOLS, MCP_SERVERS, "tool-config"].map((key) => queries.invalidateQueries({ queryKey: [key] })),
    );
  /** What is deleted is not asked for again. */
  const forgetOthers = (gone: string) =>
    queries.invalidateQueries({
      predicate: ({ queryKey }) =>
        (queryKey[0] === TOOLS || queryKey[0] === MCP_SERVERS) && !queryKey.includes(gone),
    });
  return {
    save: useMutation({
      mutationFn: ({ id, config }: { id: string | null; config: JsonObject }) =>
        id === null
          ? api.post<Tool>(TOOLS, { tool_config: config })
          : api.patch<Tool>(one(TOOLS, id), { tool_config: config }),
      onSuccess: forget,
    }),
    remove: useMutation({
      mutationFn: (id: string) => api.delete(one(TOOLS, id), { force: true }),
      onSuccess: (_, id) => forgetOthers(id),
    }),
    invoke: useMutation({
      mutationFn: ({ id, ...given }: { id: string; arguments: Json; dynamic_variables: Json }) =>
        api.post<Invocation>(`/v1/x/tools/${encodeURIComponent(id)}/invoke`, given),
    }),
    addServer: useMutation({
      mutationFn: (config: JsonObject) => api.post<McpServer>(MCP_SERVERS, { config }),
      onSuccess: forget,
    }),
    saveServer: useMutation({
      mutationFn: ({ id, changes }: { id: string; changes: JsonObject }) =>
        api.patch<McpServer>(one(MCP_SERVERS, id), changes),
      onSuccess: forget,
    }),
    setPolicy: useMutation({
      mutationFn: ({ id, policy }: { id: string; policy: string }) =>
        api.patch(`${one(MCP_SERVERS, id)}/approval-policy`, { approval_policy: policy }),
      onSuccess: forget,
    }),
    approve: useMutation({
      mutationFn: ({ id, tool }: { id: string; tool: McpTools["tools"][number] }) =>
        api.post(`${one(MCP_SERVERS, id)}/tool-approvals`, {
          tool_name: tool.name,
          tool_description: tool.description ?? "",
          input_schema: tool.inputSchema,
          approval_policy: "auto_approved",
        }),
      onSuccess: forget,
    }),
    disapprove: useMutation({
      mutationFn: ({ id, name }: { id: string; name: string }) =>
        api.delete(`${one(MCP_SERVERS, id)}/tool-approvals/${encodeURIComponent(name)}`),
      onSuccess: forget,
    }),
    removeServer: useMutation({
      mutationFn: (id: string) => api.delete(one(MCP_SERVERS, id)),
      onSuccess: (_, id) => forgetOthers(id),
    }),
  };
}
