/** What a field offers that names something of this server: the newest, whatever is searched for, and what is chosen. */

import { useQueries, useQuery } from "@tanstack/react-query";

import { api, ApiError, type Query } from "./client";

export interface Choice {
  value: string;
  label: string;
  disabled?: boolean;
}

/** Where things are listed that can be chosen. */
export interface Source {
  path: string;
  /** The name of the list in the answer. */
  items: string;
  query?: Query;
  /** Whether the server looks names up; of lists that it does not, a thousand are read. */
  searches: boolean;
  /** The path of one of them, to know the name of what is chosen and not listed. */
  one?: (id: string) => string;
  read: (row: Row) => Choice;
}

// Each source knows the shape of its own rows.
type Row = Record<string, unknown> & {
  tool_config?: Record<string, unknown>;
  config?: Record<string, unknown>;
};

const words = (value: unknown) => (typeof value === "string" ? value : "");

const byId = (id: string, name: string) => (row: Row) => ({
  value: words(row[id]),
  label: words(row[name]) || words(row[id]),
});

const under = (path: string) => (id: string) => `${path}/${encodeURIComponent(id)}`;

interface FolderRow {
  folder_path?: { name: string }[] | null;
}

export const AGENTS: Source = {
  path: "/v1/convai/agents",
  items: "agents",
  searches: true,
  one: under("/v1/convai/agents"),
  read: byId("agent_id", "name"),
};

export const TOOLS: Source = {
  path: "/v1/convai/tools",
  items: "tools",
  searches: true,
  one: under("/v1/convai/tools"),
  read: ({ id, tool_config }) => ({
    value: words(id),
    label: `${words(tool_config?.name)} (${words(tool_config?.type)})`,
  }),
};

export const MCP_SERVERS: Source = {
  path: "/v1/convai/mcp-servers",
  items: "mcp_servers",
  searches: false,
  read: ({ id, config }) => ({ value: words(id), label: words(config?.name) || words(id) }),
};

export const DOCUMENTS: Source = {
  path: "/v1/convai/knowledge-base",
  items: "documents",
  searches: true,
  read: ({ id, name, type }) => ({ value: words(id), label: `${words(name)} (${words(type)})` }),
};

export const FOLDERS: Source = {
  path: "/v1/convai/knowledge-base",
  items: "documents",
  query: { types: "folder" },
  searches: true,
  one: under("/v1/convai/knowledge-base"),
  read: (row) => {
    const above = (row as FolderRow).folder_path ?? [];
    return { value: words(row.id), label: [...above.map(({ name }) => name), words(row.name)].join(" / ") };
  },
};

export const SECRETS: Source = {
  path: "/v1/convai/secrets",
  items: "secrets",
  searches: true,
  read: byId("secret_id", "name"),
};

export const DICTIONARIES: Source = {
  path: "/v1/pronunciation-dictionaries",
  items: "pronunciation_dictionaries",
  searches: false,
  one: under("/v1/pronunciation-dictionaries"),
  read: byId("id", "name"),
};

export const CONNECTIONS: Source = {
  path: "/v1/x/auth-connections",
  items: "auth_connections",
  searches: false,
  read: byId("auth_connection_id", "name"),
};

const PAGE = 100;
const MOST_PAGES = 10;

interface PageOf {
  next_cursor?: string | null;
  has_more?: boolean;
  [items: string]: unknown;
}

interface Found {
  rows: Row[];
  isMore: boolean;
}

async function read({ path, items, query }: Source, pages: number, search: string, signal: AbortSignal) {
  const found: Found = { rows: [], isMore: true };
  let cursor: string | null | undefined;
  for (let page = 0; page < pages && found.isMore; page += 1) {
    const answer = await api.get<PageOf>(path, { ...query, search, page_size: PAGE, cursor }, signal);
    found.rows.push(...((answer[items] as Row[] | undefined) ?? []));
    cursor = answer.next_cursor;
    found.isMore = answer.has_more !== false && Boolean(cursor);
  }
  return found;
}

export interface Choices {
  choices: Choice[];
  rows: Row[];
  /** There are others than those listed. */
  isMore: boolean;
  isPending: boolean;
  error: Error | null;
  /** Of what is chosen: those that are not on this server. */
  missing: string[];
}

/** What can be chosen, with what fits `search` where not all is listed, and the names of what is `chosen`. */
export function useChoices(source: Source, search: string, chosen: readonly string[]): Choices {
  const key = [source.path, "choices", source.query ?? {}];
  const base = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => read(source, source.searches ? 1 : MOST_PAGES, "", signal),
    staleTime: 5_000,
  });
  const looked = search.trim();
  const isLooking = base.data?.isMore === true && source.searches && looked !== "";
  const found = useQuery({
    queryKey: [...key, looked],
    queryFn: ({ signal }) => read(source, 1, looked, signal),
    enabled: isLooking,
    placeholderData: (previous) => previous,
  });
  const rows = [...(base.data?.rows ?? []), ...((isLooking && found.data?.rows) || [])];
  const choices = new Map(rows.map(source.read).map((choice) => [choice.value, choice]));
  const { one } = source;
  const unlisted = base.data ? chosen.filter((id) => id !== "" && !choices.has(id)) : [];
  const single = useQueries({
    queries: (one && base.data?.isMore ? unlisted : []).map((id) => ({
      queryKey: [source.path, "choice", id],
      queryFn: ({ signal }: { signal: AbortSignal }) => api.get<Row>(one?.(id) ?? "", {}, signal),
      staleTime: 60_000,
    })),
  });
  for (const { data } of single) {
    if (!data) continue;
    const choice = source.read(data);
    choices.set(choice.value, choice);
  }
  const isGone = (index: number) => {
    const error = single[index]?.error;
    return base.data?.isMore === false || (error instanceof ApiError && error.status === 404);
  };
  return {
    choices: [...choices.values()],
    rows,
    isMore: base.data?.isMore === true && !isLooking,
    isPending: base.isPending || (isLooking && found.isPending),
    error: base.error ?? found.error,
    missing: unlisted.filter((id, index) => !choices.has(id) && isGone(index)),
  };
}
