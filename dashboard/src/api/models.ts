import { skipToken, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api } from "./client";

export type Kind = "language_model" | "speech_to_text" | "text_to_speech" | "embeddings";

export interface InstalledModel {
  name: string;
  package: string;
  version: string | null;
  size_bytes: number;
  licence: string;
  is_installed: boolean;
}

/** An entry of the settings: something that does this kind of work. */
export interface Provider {
  name: string;
  /** embedded, openai, scripted, or that of a package. */
  kind: string;
  model: string | null;
  voice: string | null;
  base_url: string | null;
  is_default: boolean;
  /** null: nobody knows before it is used. */
  is_available: boolean | null;
  note: string | null;
}

export interface Mapped {
  /** A name as agents have it, or a pattern. */
  asked: string;
  used: string;
  model: string | null;
  voice: string | null;
  warning: string | null;
}

export interface HowToAdd {
  text: string;
  /** A part of parola.toml. */
  example: string;
}

export interface ModelsOfAKind {
  default: string;
  providers: Provider[];
  mapping: Mapped[];
  installed: InstalledModel[];
  how_to_add: HowToAdd;
}

export interface Detector {
  /** null: none. */
  used: string | null;
  note: string | null;
  installed: InstalledModel[];
  how_to_add: HowToAdd;
}

export interface ServerModels {
  language_models: ModelsOfAKind;
  speech_to_text: ModelsOfAKind;
  text_to_speech: ModelsOfAKind & { voices: number; voice_mapping: Mapped[] };
  embeddings: ModelsOfAKind;
  voice_activity: Detector;
  turn_detector: Detector;
}

/** How fast a model was; which figures there are depends on the kind. */
export interface Measured {
  kind: Kind;
  provider: string;
  model: string | null;
  warning: string | null;
  what: string;
  seconds: number;
  /** Seconds of work for a second of sound. */
  real_time_factor?: number | null;
  audio_seconds?: number | null;
  heard?: string | null;
  first_byte_seconds?: number | null;
  first_token_seconds?: number | null;
  tokens_per_second?: number | null;
  texts_per_second?: number | null;
  dimensions?: number | null;
}

const MODELS = "/v1/x/models";

/** What thinks, listens, speaks and searches on this server. Services are asked whether they answer: up to 3 seconds. */
export const useModels = () =>
  useQuery({
    queryKey: [MODELS],
    queryFn: ({ signal }) => api.get<ServerModels>(MODELS, {}, signal),
    staleTime: 30_000,
  });

const measuredKey = (kind: Kind, model: string) => ["measured", kind, model];

/** Has a model work, and keeps what came of it until the page is loaded anew. `model` "": the default. */
export function useMeasure(kind: Kind, model: string) {
  const queries = useQueryClient();
  const { data: measured } = useQuery<Measured>({
    queryKey: measuredKey(kind, model),
    queryFn: skipToken,
    gcTime: Infinity,
  });
  const measure = useMutation({
    mutationKey: ["measure"],
    mutationFn: () => api.post<Measured>(`${MODELS}/measure`, { kind, model }),
    onSuccess: (answer) => queries.setQueryData(measuredKey(kind, model), answer),
  });
  return { measured, measure };
}
