/** Conversations as the server keeps them: the list, the record of one, its events, its story, its sound. */

import { useQuery, useQueryClient } from "@tanstack/react-query";

import { api, type Query } from "./client";

export type ConversationStatus = "initiated" | "in-progress" | "processing" | "done" | "failed";
export type Verdict = "success" | "failure" | "unknown";

export interface ConversationSummary {
  conversation_id: string;
  agent_id: string;
  agent_name: string | null;
  start_time_unix_secs: number;
  call_duration_secs: number;
  message_count: number;
  status: ConversationStatus;
  termination_reason: string;
  call_successful: Verdict;
  call_summary_title: string | null;
  cost_fiat: number | null;
  rating: number | null;
  evaluation_criteria_results: Record<string, { result: Verdict }> | null;
}

/** One weighing of the evidence for the end of a turn. */
export interface EndVerdict {
  at_secs: number;
  verdict: string;
  wait_secs: number;
  turn_probability: number | null;
  wording: string;
}

/** When what happened in a turn, in seconds into the call; those of the user and of the agent have different ones. */
export interface TurnTimes {
  speech_started_secs?: number;
  speech_stopped_secs?: number;
  transcribed_secs?: number;
  closed_secs?: number;
  closed_because?: string;
  verdicts?: EndVerdict[];
  asked_secs?: number;
  retrieved_secs?: number;
  first_token_secs?: number;
  first_sentence_secs?: number;
  tts_first_byte_secs?: number;
  first_audio_sent_secs?: number;
  interrupted_secs?: number;
  is_speculative?: boolean;
  latency_secs?: Record<string, number>;
}

export interface ToolCall {
  type: string | null;
  request_id: string;
  tool_name: string;
  params_as_json: string;
  tool_has_been_called?: boolean;
}

export interface ToolResult {
  request_id: string;
  tool_name: string;
  result_value: string | null;
  is_error: boolean;
  tool_latency_secs: number;
  error_type?: string;
  raw_error_message?: string;
  dynamic_variable_updates?: { variable_name?: string; new_value?: unknown }[];
}

export interface Retrieval {
  chunks: { document_id: string; chunk_id: string; vector_distance: number }[];
  embedding_model: string;
  retrieval_query: string;
  rag_latency_secs: number;
  used_chunk_ids?: string[];
}

export interface Turn {
  role: "user" | "agent";
  message: string | null;
  original_message: string | null;
  interrupted: boolean;
  ignored_as_backchannel: boolean;
  platform_event: string | null;
  source_medium: string | null;
  time_in_call_secs: number;
  tool_calls: ToolCall[];
  tool_results: ToolResult[];
  producing_llm: string | null;
  llm_usage: { model_usage: Record<string, { input?: { tokens?: number } }> } | null;
  rag_retrieval_info: Retrieval | null;
  contextual_update_info: { context_id: string; is_superseded: boolean } | null;
  triggered_guardrails: { guardrail_name?: string; guardrail_type?: string }[];
  file_inputs: { file_id: string; original_filename: string; mime_type: string }[];
  reasoning: { summary: string }[];
  agent_metadata: { agent_id: string; workflow_node_id: string | null } | null;
  feedback: { score: string } | null;
  x_injected_by?: { type: string; by: string; role_label?: string };
  x_timeline?: TurnTimes;
}

export interface Tokens {
  tokens?: number;
  price?: number;
}

export interface Charging {
  llm_price: number | null;
  llm_usage: {
    irreversible_generation: { model_usage: Record<string, Record<string, Tokens>> };
    initiated_generation: { model_usage: Record<string, Record<string, Tokens>> };
  };
  tts_usage: {
    primary_tts_model?: string;
    total_audio_output_seconds?: number;
    total_characters?: number;
  } | null;
  asr_usage: {
    asr_model?: string;
    total_transcription_calls?: number;
    total_audio_input_seconds?: number;
  } | null;
  analysis: { total?: { price?: number; runs?: number } } | null;
}

export interface Criterion {
  result: Verdict;
  rationale: string;
  score?: number | null;
  max_score?: number | null;
}

export interface Collected {
  value: unknown;
  rationale: string;
  json_schema?: { type?: string; description?: string } | null;
}

export interface Analysis {
  call_successful: Verdict;
  call_success_score?: number | null;
  transcript_summary: string | null;
  call_summary_title?: string | null;
  evaluation_criteria_results: Record<string, Criterion> | null;
  data_collection_results: Record<string, Collected> | null;
  x_error?: string | null;
}

export interface CallCommand {
  type: string;
  by: string;
  /** In whose name, when that is another. */
  operator?: string;
  time_in_call_secs: number;
  forced_from?: string;
}

export interface ConversationRecord {
  conversation_id: string;
  agent_id: string;
  agent_name: string | null;
  user_id: string | null;
  status: ConversationStatus;
  version_id: string | null;
  environment: string;
  has_audio: boolean;
  analysis: Analysis | null;
  transcript: Turn[];
  visited_agents: { agent_id: string }[];
  metadata: {
    start_time_unix_secs: number;
    call_duration_secs: number;
    termination_reason: string;
    text_only: boolean;
    main_language: string | null;
    conversation_initiation_source: string;
    authorization_method: string;
    cost_fiat: number | null;
    queue_wait_secs: number | null;
    warnings: string[];
    error: { code: number; reason: string | null } | null;
    charging: Charging;
    feedback: { rating: number | null; comment: string | null; likes: number; dislikes: number };
    x_close?: { code: number; reason: string; by: string; cause?: string; client_away?: boolean };
    x_commands?: CallCommand[];
    x_connections?: { type: string; time_in_call_secs: number; code?: number; away_secs?: number }[];
    x_waiting_for_human?: {
      time_in_call_secs: number;
      by: string;
      reason?: string;
      outcome?: string;
      operator?: string;
      waited_secs?: number;
    }[];
  };
}

export interface CallEvent {
  seq: number;
  at: number;
  direction: "to_client" | "from_client" | "command" | "internal";
  by: string;
  event: { type: string } & Record<string, unknown>;
}

export interface Story {
  ending: string;
  close: { code: number; reason: string; by: string } | null;
  story: string[];
  timeline: { at_secs: number; event: string; words: string }[];
}

export interface Waveform {
  duration_secs: number;
  user: number[];
  agent: number[];
}

const ROOT = "/v1/convai/conversations";
const X_ROOT = "/v1/x/conversations";

/** Where the list is; `useListed` pages through it. */
export const CONVERSATIONS = ROOT;

/** Whether it has not ended yet. */
export const isRunning = (status: ConversationStatus) => status === "in-progress" || status === "initiated";

/** The newest, whoever had them. */
export const useNewest = () =>
  useQuery({
    queryKey: ["recent-conversations"],
    queryFn: ({ signal }) =>
      api.get<{ conversations: ConversationSummary[] }>(ROOT, { page_size: 6 }, signal),
    refetchInterval: 10_000,
  });

export const conversationPath = (id: string) => `${ROOT}/${encodeURIComponent(id)}`;

/** The record of one conversation; read again while something is still to come. */
export const useConversation = (id: string) =>
  useQuery({
    queryKey: [ROOT, id],
    queryFn: ({ signal }) => api.get<ConversationRecord>(conversationPath(id), {}, signal),
    refetchInterval: ({ state }) => {
      const status = state.data?.status;
      return status && (isRunning(status) || status === "processing") ? 2_000 : false;
    },
  });

interface CallEvents {
  events: CallEvent[];
  dropped: { count: number } | null;
}

/** Everything that came and went, oldest first. While it runs only what is new is asked for; at its end all of it. */
export function useCallEvents(id: string, isLive: boolean) {
  const queries = useQueryClient();
  const queryKey = [X_ROOT, id, "events", isLive];
  return useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      const known = queries.getQueryData<CallEvents>(queryKey);
      const answer = await api.get<CallEvents>(
        `${X_ROOT}/${encodeURIComponent(id)}/events`,
        { after: known?.events.at(-1)?.seq, limit: 5000 },
        signal,
      );
      if (!known) return answer;
      return { events: [...known.events, ...answer.events], dropped: answer.dropped ?? known.dropped };
    },
    refetchInterval: isLive ? 2_000 : false,
    staleTime: isLive ? 0 : Infinity,
  });
}

export const useStory = (id: string, isLive: boolean) =>
  useQuery({
    // Another one when it has ended: what was told before is only half of it.
    queryKey: [X_ROOT, id, "why", isLive],
    queryFn: ({ signal }) => api.get<Story>(`${X_ROOT}/${encodeURIComponent(id)}/why`, {}, signal),
    refetchInterval: isLive ? 3_000 : false,
  });

/** How loud both sides are over time, in at most 10,000 points. */
export const useWaveform = (id: string, seconds: number, isWanted: boolean) => {
  const points = Math.min(10_000, Math.max(500, Math.round(seconds * 50)));
  return useQuery({
    queryKey: [X_ROOT, id, "waveform", points],
    queryFn: ({ signal }) =>
      api.get<Waveform>(`${X_ROOT}/${encodeURIComponent(id)}/waveform`, { points }, signal),
    enabled: isWanted,
    staleTime: Infinity,
  });
};

export const loadAudio = (id: string, signal?: AbortSignal) =>
  api.blob(`${conversationPath(id)}/audio`, {}, signal);

export const runAnalysis = (id: string) => api.post(`${conversationPath(id)}/analysis/run`);

export const deleteConversation = (id: string) => api.delete(conversationPath(id));

/** How conversations of the last weeks ended, to choose from. */
export const useEndings = () =>
  useQuery({
    queryKey: ["/v1/x/overview", "endings"],
    queryFn: ({ signal }) =>
      api.get<{ endings: { termination_reason: string }[] }>("/v1/x/overview", { days: 90 }, signal),
    select: ({ endings }) => [
      ...new Set(endings.map((one) => one.termination_reason).filter((reason) => reason !== "")),
    ],
    staleTime: 60_000,
  });

/** The first place in each conversation where the words are said. */
export const useHits = (text: string, filters: Query) =>
  useQuery({
    queryKey: [ROOT, "hits", text, filters],
    queryFn: ({ signal }) =>
      api.get<{ results: Hit[] }>(
        `${ROOT}/messages/text-search`,
        { ...filters, search: undefined, text_query: text, page_size: 100 },
        signal,
      ),
    enabled: text !== "",
    select: ({ results }) => {
      const first = new Map<string, Hit>();
      for (const hit of results) {
        if (!first.has(hit.conversation_id)) first.set(hit.conversation_id, hit);
      }
      return first;
    },
  });

export interface Hit {
  conversation_id: string;
  transcript_index: number;
  chunk_text: string;
  chunk_highlights: { value: string; is_hit: boolean }[] | null;
}

/** The text of one piece of a document that an answer was given. */
export const useChunk = (documentId: string, chunkId: string, isWanted: boolean) =>
  useQuery({
    queryKey: ["chunk", documentId, chunkId],
    queryFn: ({ signal }) =>
      api.get<{ name: string; content: string }>(
        `/v1/convai/knowledge-base/${encodeURIComponent(documentId)}/chunk/${encodeURIComponent(chunkId)}`,
        {},
        signal,
      ),
    enabled: isWanted,
    staleTime: Infinity,
  });
