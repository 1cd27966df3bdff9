import { useQuery } from "@tanstack/react-query";

import { api } from "./client";

interface Provider {
  name: string;
  kind: string;
  model: string | null;
  is_default: boolean;
}

interface Mapped {
  asked: string;
  used: string;
  model: string | null;
  warning: string | null;
}

export interface LanguageModels {
  default: string;
  providers: Provider[];
  mapping: Mapped[];
}

/** Names that an agent's `llm` may sensibly have on this server. */
export const useLlmNames = () =>
  useQuery({
    queryKey: ["/v1/convai/llm/list"],
    queryFn: ({ signal }) => api.get<{ llms: { llm: string }[] }>("/v1/convai/llm/list", {}, signal),
    select: (answer) => answer.llms.map(({ llm }) => llm),
    staleTime: 60_000,
  });

/** Which language models there are, and which names lead to them. */
export const useLanguageModels = () =>
  useQuery({
    queryKey: ["language-models"],
    queryFn: ({ signal }) => api.get<{ language_models: LanguageModels }>("/v1/x/models", {}, signal),
    select: (answer) => answer.language_models,
    staleTime: 60_000,
  });
