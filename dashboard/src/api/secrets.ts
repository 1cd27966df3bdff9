import { useMutation, useQueryClient } from "@tanstack/react-query";

import type { JsonObject } from "./agents";
import { api } from "./client";
import { useListed } from "./paging";

const SECRETS = "/v1/convai/secrets";
const VARIABLES = "/v1/convai/environment-variables";
const CONNECTIONS = "/v1/x/auth-connections";

interface User {
  id: string;
  name: string;
}

export interface Secret {
  secret_id: string;
  name: string;
  used_by: { tools: User[]; agents: User[]; mcp_servers: User[] };
}

export interface Variable {
  id: string;
  label: string;
  type: "string" | "secret" | "auth_connection";
  values: Record<string, string | JsonObject>;
}

export interface Connection {
  auth_connection_id: string;
  name: string;
  auth_type: string;
  created_at_unix_secs: number;
}

export const useSecrets = () => useListed<Secret>(SECRETS, "secrets", { page_size: 100 });

export const useVariables = () => useListed<Variable>(VARIABLES, "environment_variables", { page_size: 100 });

export const useConnections = () =>
  useListed<Connection>(CONNECTIONS, "auth_connections", { page_size: 100 });

const one = (root: string, id: string) => `${root}/${encodeURIComponent(id)}`;

/** What can be done with secrets, variables and connections; each forgets what it made untrue. */
export function useSecretActions() {
  const queries = useQueryClient();
  const forget = () =>
    Promise.all(
      [SECRETS, VARIABLES, CONNECTIONS].map((key) => queries.invalidateQueries({ queryKey: [key] })),
    );
  return {
    saveSecret: useMutation({
      mutationFn: ({ id, name, value }: { id: string | null; name: string; value: string }) =>
        id === null
          ? api.post(SECRETS, { type: "new", name, value })
          : api.patch(one(SECRETS, id), { type: "update", name, value }),
      onSuccess: forget,
    }),
    removeSecret: useMutation({
      mutationFn: (id: string) => api.delete(one(SECRETS, id)),
      // Not waited for: with its row goes whoever asked, and would not be told.
      onSuccess: () => void forget(),
    }),
    addVariable: useMutation({
      mutationFn: (body: { label: string; type: string; values: JsonObject }) => api.post(VARIABLES, body),
      onSuccess: forget,
    }),
    changeVariable: useMutation({
      mutationFn: ({ id, values }: { id: string; values: JsonObject }) =>
        api.patch(one(VARIABLES, id), { values }),
      onSuccess: forget,
    }),
    removeVariable: useMutation({
      mutationFn: (id: string) => api.delete(one(VARIABLES, id)),
      onSuccess: () => void forget(),
    }),
    addConnection: useMutation({
      mutationFn: (body: JsonObject) => api.post(CONNECTIONS, body),
      onSuccess: forget,
    }),
    removeConnection: useMutation({
      mutationFn: (id: string) => api.delete(one(CONNECTIONS, id)),
      onSuccess: () => void forget(),
    }),
  };
}
