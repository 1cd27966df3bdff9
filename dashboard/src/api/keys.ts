import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import type { JsonObject } from "./agents";
import { api, apiKey, isKeyRemembered, setApiKey } from "./client";
import { useListed } from "./paging";

export interface ApiKey {
  key_id: string;
  name: string;
  /** How the key begins. */
  prefix: string;
  created_at_unix_secs: number;
  /** null: everything. */
  scopes: string[] | null;
  expires_at_unix_secs: number | null;
  last_used_at_unix_secs: number | null;
  member_id: string | null;
  /** The key that came in its place when it was rotated. */
  replaced_by: string | null;
}

export interface MadeKey extends ApiKey {
  /** The key itself, shown this once. */
  api_key: string;
}

export interface KeyRequest {
  name: string;
  scopes: string[] | null;
  expires_at_unix_secs: number | null;
  member_id: string | null;
}

export type Role = "admin" | "editor" | "viewer";

export interface MemberRequest {
  name: string;
  email: string;
  role: Role;
}

export interface Member extends MemberRequest {
  member_id: string;
  created_at_unix_secs: number;
  /** Ids of the keys that are theirs. */
  api_keys: string[];
}

export type AuditResult = "done" | "refused" | "failed";

export interface AuditEntry {
  entry_id: string;
  at_unix_secs: number;
  /** The operation's name, or secret_used, monitor, attach, command. */
  action: string;
  resource: string;
  key_id: string | null;
  key_name: string | null;
  member_id: string | null;
  address: string | null;
  result: AuditResult;
  details: JsonObject;
}

export interface AuditFilters {
  action: string;
  resource: string;
  key_id: string;
  result: string;
  after_unix: number | null;
  before_unix: number | null;
}

const KEYS = "/v1/x/api-keys";
const MEMBERS = "/v1/x/members";

/** Whether it is the key that this page sends. */
export const isOwn = (key: ApiKey) => Boolean(apiKey()) && apiKey().startsWith(key.prefix);

export const useKeys = () =>
  useQuery({
    queryKey: [KEYS],
    queryFn: ({ signal }) => api.get<{ api_keys: ApiKey[] }>(KEYS, {}, signal),
    select: (answer) => answer.api_keys,
  });

/** What can be done with API keys. A key that this page sends itself is replaced here as soon as it is replaced there. */
export function useKeyActions() {
  const queries = useQueryClient();
  const forget = () => {
    void queries.invalidateQueries({ queryKey: [MEMBERS] });
    return queries.invalidateQueries({ queryKey: [KEYS] });
  };
  /** This page sends the key from now on. */
  const adopt = (key: string, remember: boolean) => {
    // The gate before the pages need not ask again: nothing may hide the new key while it is shown.
    queries.setQueryData(["may-enter", key], true);
    setApiKey(key, remember);
  };
  return {
    adopt,
    create: useMutation({
      mutationFn: async (asked: KeyRequest) => {
        const made = await api.post<MadeKey>(KEYS, asked);
        // The first one: from now on the server wants one, of this page too.
        if (!apiKey()) adopt(made.api_key, false);
        return made;
      },
      onSuccess: forget,
    }),
    update: useMutation({
      mutationFn: ({ keyId, changes }: { keyId: string; changes: Partial<KeyRequest> }) =>
        api.patch<ApiKey>(`${KEYS}/${keyId}`, changes),
      onSuccess: forget,
    }),
    rotate: useMutation({
      mutationFn: async ({ key, graceSeconds }: { key: ApiKey; graceSeconds: number }) => {
        const made = await api.post<MadeKey>(`${KEYS}/${key.key_id}/rotate`, { grace_secs: graceSeconds });
        if (isOwn(key)) adopt(made.api_key, isKeyRemembered());
        return made;
      },
      onSuccess: forget,
    }),
    remove: useMutation({
      mutationFn: async (key: ApiKey) => {
        const isHere = isOwn(key);
        await api.delete(`${KEYS}/${key.key_id}`);
        if (isHere) setApiKey("", false);
      },
      // Not waited for: with its row goes whoever asked, and would not be told.
      onSuccess: () => void forget(),
    }),
  };
}

export const useMembers = () => useListed<Member>(MEMBERS, "members", { page_size: 100 });

export function useMemberActions() {
  const queries = useQueryClient();
  const forget = () => queries.invalidateQueries({ queryKey: [MEMBERS] });
  return {
    create: useMutation({
      mutationFn: (asked: MemberRequest) => api.post<Member>(MEMBERS, asked),
      onSuccess: forget,
    }),
    update: useMutation({
      mutationFn: ({ memberId, changes }: { memberId: string; changes: Partial<MemberRequest> }) =>
        api.patch<Member>(`${MEMBERS}/${memberId}`, changes),
      onSuccess: forget,
    }),
    remove: useMutation({
      mutationFn: (memberId: string) => api.delete(`${MEMBERS}/${memberId}`),
      onSuccess: () => void forget(),
    }),
  };
}

export const useAuditLog = (filters: AuditFilters) =>
  useListed<AuditEntry>("/v1/x/audit-log", "entries", { ...filters, page_size: 30 });
