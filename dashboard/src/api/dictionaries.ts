import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api } from "./client";
import { useListed } from "./paging";

/** How a word is said: other words for it, or its sounds. */
export type Rule = {
  string_to_replace: string;
  case_sensitive?: boolean | null;
  word_boundaries?: boolean | null;
} & ({ type: "alias"; alias: string } | { type: "phoneme"; phoneme: string; alphabet: string });

export interface DictionarySummary {
  id: string;
  name: string;
  latest_version_id: string;
  latest_version_rules_num: number;
  creation_time_unix: number;
  description: string | null;
}

const DICTIONARIES = "/v1/pronunciation-dictionaries";

export const useDictionaries = () =>
  useListed<DictionarySummary>(DICTIONARIES, "pronunciation_dictionaries", { page_size: 50 });

export const useDictionary = (id: string) =>
  useQuery({
    queryKey: [DICTIONARIES, id],
    queryFn: ({ signal }) =>
      api.get<DictionarySummary & { rules: Rule[] }>(`${DICTIONARIES}/${id}`, {}, signal),
  });

export const downloadDictionary = ({ id, latest_version_id }: DictionarySummary) =>
  api.blob(`${DICTIONARIES}/${id}/${latest_version_id}/download`);

export function useDictionaryActions() {
  const queries = useQueryClient();
  const forget = () => queries.invalidateQueries({ queryKey: [DICTIONARIES] });
  return {
    create: useMutation({
      mutationFn: ({ name, file }: { name: string; file: File | null }) => {
        if (!file) return api.post<{ id: string }>(`${DICTIONARIES}/add-from-rules`, { name, rules: [] });
        const form = new FormData();
        form.append("name", name);
        form.append("file", file);
        return api.post<{ id: string }>(`${DICTIONARIES}/add-from-file`, form);
      },
      onSuccess: forget,
    }),
    setRules: useMutation({
      mutationFn: ({ id, rules }: { id: string; rules: Rule[] }) =>
        api.post(`${DICTIONARIES}/${id}/set-rules`, { rules }),
      onSuccess: forget,
    }),
    update: useMutation({
      mutationFn: ({ id, changes }: { id: string; changes: { name?: string; archived?: boolean } }) =>
        api.patch(`${DICTIONARIES}/${id}`, changes),
      onSuccess: forget,
    }),
  };
}
