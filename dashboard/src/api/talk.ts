/** What the page Talk needs of the server beside the socket itself. */

import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";

import type { JsonObject } from "./agents";
import { address, api } from "./client";

const CONVERSATION = "/v1/convai/conversation";
const conversation = (id: string) => `/v1/convai/conversations/${encodeURIComponent(id)}`;

/** An address that opens a conversation with an agent, at the host that this page came from. */
export async function signedUrl(agentId: string, environment: string): Promise<string> {
  const { signed_url } = await api.get<{ signed_url: string }>(`${CONVERSATION}/get-signed-url`, {
    agent_id: agentId,
    environment: environment.trim(),
  });
  const url = new URL(address(CONVERSATION), location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href + new URL(signed_url).search;
}

export const rateConversation = (id: string, feedback: "like" | "dislike") =>
  api.post(`${conversation(id)}/feedback`, { feedback });

/** Share a file in a conversation that runs; gives the id that a message refers to. */
export async function shareFile(id: string, file: File): Promise<string> {
  const form = new FormData();
  form.append("file", file);
  return (await api.post<{ file_id: string }>(`${conversation(id)}/files`, form)).file_id;
}

export type Latency = Record<string, number>;

interface Answers {
  transcript: {
    role: string;
    source_event_id: number | null;
    x_timeline?: { latency_secs?: Latency };
  }[];
}

/** Made once: a new function in each render would give a new map each time, and with it another render. */
const latenciesOf = ({ transcript }: Answers) =>
  new Map(
    transcript.flatMap((turn) =>
      turn.role === "agent" && turn.source_event_id !== null && turn.x_timeline?.latency_secs
        ? [[turn.source_event_id, turn.x_timeline.latency_secs] as const]
        : [],
    ),
  );

/**
 * How long each answer of a conversation took and why, by the event id of the answer, in seconds. `version`
 * says how far the conversation is: whenever it is another one, the record is read again.
 */
export const useLatencies = (id: string | null, version: string) =>
  useQuery({
    queryKey: ["latencies", id, version],
    queryFn: () => api.get<Answers>(conversation(id ?? "")),
    select: latenciesOf,
    placeholderData: keepPreviousData,
    enabled: id !== null,
    staleTime: Infinity,
  });

/** The configurations of tools that are kept apart from the agent, by their ids. */
export const useToolConfigs = (ids: string[]) =>
  useQueries({
    queries: ids.map((id) => ({
      queryKey: ["tool-config", id],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        api.get<{ tool_config: JsonObject }>(`/v1/convai/tools/${encodeURIComponent(id)}`, {}, signal),
      staleTime: 60_000,
    })),
    combine: (results) => results.flatMap(({ data }) => (data ? [data.tool_config] : [])),
  });
