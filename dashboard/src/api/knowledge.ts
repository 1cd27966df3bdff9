import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api } from "./client";
import { useListed } from "./paging";

export const KNOWLEDGE = "/v1/convai/knowledge-base";

export interface Index {
  id: string;
  model: string;
  status: string;
  progress_percentage: number;
  error_message?: string;
}

export interface KnowledgeDocument {
  type: "file" | "url" | "text" | "folder";
  id: string;
  name: string;
  metadata: { created_at_unix_secs: number; last_updated_at_unix_secs: number; size_bytes: number };
  folder_parent_id: string | null;
  folder_path: { id: string; name: string }[] | null;
  dependent_agents?: { id: string; name: string }[];
  x_rag_indexes?: Index[];
  children_count?: number;
  url?: string;
  filename?: string;
  extracted_inner_html?: string;
}

export interface Found {
  document: KnowledgeDocument;
  search_snippet: { value: string; is_hit: boolean }[] | null;
  score: number;
}

export interface Chunk {
  id: string;
  content: string;
}

export interface Retrieved {
  chunk_id: string;
  document_id: string;
  document_name: string;
  text: string;
  vector_distance: number;
}

/** What an agent has unless it says otherwise; on this server each name stands for the same provider until it is mapped. */
export const USUAL_MODEL = "e5_mistral_7b_instruct";

const one = (id: string) => `${KNOWLEDGE}/${encodeURIComponent(id)}`;

export const isIndexing = ({ status }: Index) => status === "created" || status === "processing";

/** What lies directly in a folder ("root": at the top), folders first. */
export const useFolder = (folder: string, search: string) =>
  useListed<KnowledgeDocument>(
    KNOWLEDGE,
    "documents",
    { parent_folder_id: folder, search, folders_first: true, page_size: 50 },
    { refresh: { everyMs: 5_000, id: "id" } },
  );

export const useSearch = (words: string) =>
  useListed<Found>(
    `${KNOWLEDGE}/search`,
    "results",
    { query: words, page_size: 20 },
    { enabled: words !== "" },
  );

export const useDocument = (id: string | null) =>
  useQuery({
    queryKey: [KNOWLEDGE, "one", id],
    queryFn: ({ signal }) => api.get<KnowledgeDocument>(one(id ?? ""), {}, signal),
    enabled: id !== null,
  });

export const useDocumentAgents = (id: string) =>
  useQuery({
    queryKey: [KNOWLEDGE, "agents", id],
    queryFn: ({ signal }) =>
      api.get<{ agents: { id: string; name: string }[] }>(`${one(id)}/dependent-agents`, {}, signal),
    select: ({ agents }) => agents,
  });

export const useIndexes = (id: string) =>
  useQuery({
    queryKey: [KNOWLEDGE, "indexes", id],
    queryFn: ({ signal }) => api.get<{ indexes: Index[] }>(`${one(id)}/rag-index`, {}, signal),
    select: ({ indexes }) => indexes,
    refetchInterval: ({ state }) => (state.data?.indexes.some(isIndexing) ? 1_000 : false),
  });

export const useChunks = (id: string, model: string | undefined) =>
  useListed<Chunk>(
    `${one(id)}/chunks`,
    "chunks",
    { embedding_model: model, page_size: 20 },
    { enabled: model !== undefined },
  );

export const addFile = (file: File, folder: string | null) => {
  const form = new FormData();
  form.append("file", file);
  if (folder) form.append("parent_folder_id", folder);
  return api.post(`${KNOWLEDGE}/file`, form);
};

/** What can be done with documents; each forgets what it made untrue. */
export function useKnowledgeActions() {
  const queries = useQueryClient();
  const forget = () =>
    queries.invalidateQueries({
      predicate: ({ queryKey: [key] }) => typeof key === "string" && key.startsWith(KNOWLEDGE),
    });
  return {
    forget,
    add: useMutation({
      mutationFn: ({ kind, ...body }: { kind: "text" | "url" | "folder"; [more: string]: unknown }) =>
        api.post<{ id: string }>(`${KNOWLEDGE}/${kind}`, body),
      onSuccess: forget,
    }),
    update: useMutation({
      mutationFn: ({ id, ...change }: { id: string; name?: string; content?: string }) =>
        api.patch(one(id), change),
      onSuccess: forget,
    }),
    move: useMutation({
      mutationFn: ({ id, folder }: { id: string; folder: string | null }) =>
        api.post(`${one(id)}/move`, { move_to: folder }),
      onSuccess: forget,
    }),
    refresh: useMutation({ mutationFn: (id: string) => api.post(`${one(id)}/refresh`), onSuccess: forget }),
    index: useMutation({
      mutationFn: (id: string) => api.post(`${one(id)}/rag-index`, { model: USUAL_MODEL }),
      onSuccess: forget,
    }),
    remove: useMutation({
      mutationFn: (id: string) => api.delete(one(id), { force: true }),
      // Not waited for: with its row goes whoever asked, and would not be told.
      onSuccess: () => void forget(),
    }),
    ask: useMutation({
      mutationFn: ({ agentId, query }: { agentId: string; query: string }) =>
        api.post<{ chunks: Retrieved[] }>(
          `/v1/convai/agents/${encodeURIComponent(agentId)}/knowledge-base/rag-query`,
          { query },
        ),
    }),
  };
}
