import { ActionIcon, Group, Select, Text, Textarea, Title } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";

import type { JsonObject } from "@/api/agents";
import { useVoices } from "@/api/voices";

import { at, withValue, without } from "../editor/document";
import { useField } from "../editor/draft";
import { Findings } from "../editor/fields";
import { languageName, LANGUAGES } from "../editor/languages";
import { Card, Section } from "../editor/Section";

const PATH = "conversation_config.language_presets";

/** What changes when a caller speaks another language. */
export default function Languages() {
  const field = useField<JsonObject>(PATH, {});
  const own = useField<string>("conversation_config.agent.language", "en").value;
  const free = LANGUAGES.filter(({ value }) => value !== own && !(value in field.value));
  return (
    <Section
      title="Languages"
      lead={`The agent begins in ${languageName(own)}. Here is what changes when a client chooses another language, or the agent does (the built-in tool “Change the language”).`}
    >
      {Object.keys(field.value).map((code) => (
        <Preset
          key={code}
          code={code}
          preset={field.value[code] as JsonObject}
          put={(preset) => field.set({ ...field.value, [code]: preset })}
          remove={() => field.set(without(field.value, code))}
        />
      ))}
      <Card>
        <Select
          label="Add a language"
          placeholder="Choose one"
          data={free}
          value={null}
          searchable
          onChange={(code) => code && field.set({ ...field.value, [code]: { overrides: {} } })}
          maw={320}
        />
        <Findings findings={field.findings} />
      </Card>
    </Section>
  );
}

function Preset({
  code,
  preset,
  put,
  remove,
}: {
  code: string;
  preset: JsonObject;
  put: (preset: JsonObject) => void;
  remove: () => void;
}) {
  const voices = useVoices();
  const first = at(preset, "overrides.agent.first_message");
  const translation = at(preset, "first_message_translation.text");
  const voice = at(preset, "overrides.tts.voice_id");
  const name = languageName(code);
  const known = voices.data ?? [];
  const chosen = typeof voice === "string" ? voice : null;
  return (
    <Card>
      <Group justify="space-between">
        <Title order={3} fz="md">
          {name}{" "}
          <Text span c="dimmed" size="sm">
            {code}
          </Text>
        </Title>
        <ActionIcon variant="subtle" color="gray" aria-label={`Remove ${name}`} onClick={remove}>
          <IconTrash size={16} />
        </ActionIcon>
      </Group>
      <Textarea
        label={`First message in ${name}`}
        placeholder={typeof translation === "string" ? translation : "As in the agent's own language"}
        autosize
        minRows={1}
        value={typeof first === "string" ? first : ""}
        onChange={(event) =>
          put(withValue(preset, "overrides.agent.first_message", event.currentTarget.value || undefined))
        }
      />
      <Select
        label={`Voice in ${name}`}
        placeholder="The agent's own"
        data={[
          ...known.map(({ voice_id, name: label, labels }) => ({
            value: voice_id,
            label: `${label} (${labels.language ?? "?"})`,
          })),
          ...(chosen && !known.some(({ voice_id }) => voice_id === chosen)
            ? [{ value: chosen, label: chosen }]
            : []),
        ]}
        value={chosen}
        clearable
        clearButtonProps={{ "aria-label": "The agent's own voice" }}
        onChange={(value) => put(withValue(preset, "overrides.tts.voice_id", value ?? undefined))}
        maw={320}
      />
    </Card>
  );
}
