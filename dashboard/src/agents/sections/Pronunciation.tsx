import { MultiSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import type { JsonObject } from "@/api/agents";
import { address, api } from "@/api/client";
import { Command } from "@/parts/Command";

import { useField } from "../editor/draft";
import { Findings, Label } from "../editor/fields";
import { Card } from "../editor/Section";

const PATH = "conversation_config.tts.pronunciation_dictionary_locators";

const EXAMPLE = `curl -X POST ${new URL(address("/v1/pronunciation-dictionaries/add-from-rules"), location.href).href} \\
  -H 'content-type: application/json' \\
  -d '{"name": "Names", "rules": [{"type": "alias", "string_to_replace": "SQL", "alias": "sequel"}]}'`;

const idOf = (locator: JsonObject) => String(locator.pronunciation_dictionary_id ?? "");

/** The dictionaries that say how words are spoken. */
export function Pronunciation() {
  const field = useField<JsonObject[]>(PATH, []);
  const { data, isSuccess } = useQuery({
    queryKey: ["/v1/pronunciation-dictionaries"],
    queryFn: ({ signal }) =>
      api.get<{ pronunciation_dictionaries: { id: string; name: string }[] }>(
        "/v1/pronunciation-dictionaries",
        { page_size: 100 },
        signal,
      ),
    select: (answer) => answer.pronunciation_dictionaries,
  });
  const known = data ?? [];
  const missing = field.value.map(idOf).filter((id) => !known.some((one) => one.id === id));
  const choose = (ids: string[]) =>
    field.set(
      ids.map((id) => field.value.find((one) => idOf(one) === id) ?? { pronunciation_dictionary_id: id }),
    );
  return (
    <Card
      title="Pronunciation"
      lead="Dictionaries of words that are said in another way than they are written."
    >
      {isSuccess && !known.length && !missing.length ? (
        <Command text={EXAMPLE} label="Copy the command that makes a dictionary" />
      ) : (
        <div>
          <MultiSelect
            label={<Label text="Dictionaries" isChanged={field.isChanged} />}
            description="The first rule that fits a place wins, in this order."
            data={[
              ...known.map(({ id, name }) => ({ value: id, label: name })),
              ...missing.map((id) => ({ value: id, label: `${id} (missing)` })),
            ]}
            value={field.value.map(idOf)}
            onChange={choose}
          />
          <Findings findings={field.findings} />
        </div>
      )}
    </Card>
  );
}
