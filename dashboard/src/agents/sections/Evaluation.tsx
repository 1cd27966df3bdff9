import { ActionIcon, Button, Group, Paper, Select, Stack, Switch, Textarea, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";

import type { JsonObject } from "@/api/agents";

import { without } from "../editor/document";
import { useField } from "../editor/draft";
import { Findings, TextField } from "../editor/fields";
import { Card, Section } from "../editor/Section";

const PLATFORM = "platform_settings";

const TYPES = [
  { value: "string", label: "text" },
  { value: "integer", label: "whole number" },
  { value: "number", label: "number" },
  { value: "boolean", label: "yes or no" },
];

const text = (value: unknown) => (typeof value === "string" ? value : "");

/** A name as an id: "Table booked" becomes "table_booked". */
const idFor = (name: string) =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_|_$/g, "");

/** What is judged and collected after a conversation. */
export default function Evaluation() {
  return (
    <Section title="Evaluation" lead="What a model reads out of each conversation after it has ended.">
      <Criteria />
      <Collected />
      <Card title="Who reads">
        <TextField
          path={`${PLATFORM}.analysis_llm`}
          label="Model"
          help="Empty, or unknown here: the model the agent speaks with."
          placeholder="As in the conversation"
        />
        <TextField
          path={`${PLATFORM}.summary_language`}
          label="Language of the summary"
          placeholder="As in the conversation"
        />
      </Card>
    </Section>
  );
}

function Criteria() {
  const field = useField<JsonObject[]>(`${PLATFORM}.evaluation.criteria`, []);
  const change = (index: number, values: JsonObject) =>
    field.set(field.value.map((one, at) => (at === index ? { ...one, ...values } : one)));
  const add = () => {
    const taken = new Set(field.value.map(({ id }) => id));
    let number = field.value.length + 1;
    while (taken.has(`criterion_${number}`)) number += 1;
    field.set([
      ...field.value,
      {
        id: `criterion_${number}`,
        name: `Criterion ${number}`,
        type: "prompt",
        conversation_goal_prompt: "",
      },
    ]);
  };
  return (
    <Card
      title="Criteria"
      lead="Each is a success or a failure, with a reason. A conversation is successful when all are reached."
    >
      {field.value.map((one, index) => (
        <Paper key={text(one.id) || index} p="sm" radius="md" shadow="none">
          <Stack gap="xs">
            <Group align="flex-end" wrap="nowrap">
              <TextInput
                flex={1}
                label="Name"
                description={`Id: ${text(one.id)}`}
                value={text(one.name)}
                onChange={(event) => change(index, { name: event.currentTarget.value })}
              />
              <ActionIcon
                variant="subtle"
                color="gray"
                size="lg"
                aria-label={`Remove the criterion ${text(one.name)}`}
                onClick={() => field.set(field.value.filter((_, at) => at !== index))}
              >
                <IconTrash size={16} />
              </ActionIcon>
            </Group>
            <Textarea
              label="Reached when"
              placeholder="A table was booked, and the caller knows day and time."
              autosize
              minRows={2}
              maxLength={2000}
              value={text(one.conversation_goal_prompt)}
              onChange={(event) => change(index, { conversation_goal_prompt: event.currentTarget.value })}
            />
            <Switch
              label="Judge by the agent's documents too"
              checked={one.use_knowledge_base === true}
              onChange={(event) => change(index, { use_knowledge_base: event.currentTarget.checked })}
            />
          </Stack>
        </Paper>
      ))}
      <Group>
        <Button variant="default" leftSection={<IconPlus size={16} />} onClick={add}>
          Add a criterion
        </Button>
      </Group>
      <Findings findings={field.findings} />
    </Card>
  );
}

function Collected() {
  const field = useField<Record<string, JsonObject>>(`${PLATFORM}.data_collection`, {});
  const [name, setName] = useState("");
  const id = idFor(name);
  const change = (key: string, values: JsonObject) =>
    field.set({ ...field.value, [key]: { ...field.value[key], ...values } });
  const add = () => {
    field.set({ ...field.value, [id]: { type: "string", description: "" } });
    setName("");
  };
  return (
    <Card title="Values" lead="Read out of the conversation, each in its type, with a reason.">
      {Object.entries(field.value).map(([key, one]) => (
        <Group key={key} align="flex-end" gap="xs" wrap="wrap">
          <TextInput label="Name" value={key} readOnly w={170} variant="filled" />
          <Select
            label="Type"
            data={TYPES}
            value={text(one.type)}
            allowDeselect={false}
            onChange={(type) => type && change(key, { type })}
            w={150}
          />
          <TextInput
            flex="1 1 220px"
            label="What it is"
            placeholder="How many people come"
            value={text(one.description)}
            onChange={(event) => change(key, { description: event.currentTarget.value })}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label={`Remove the value ${key}`}
            onClick={() => field.set(without(field.value, key) as Record<string, JsonObject>)}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      ))}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (id && !(id in field.value)) add();
        }}
      >
        <Group align="flex-end" gap="xs">
          <TextInput
            label="Another value"
            placeholder="guests"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Button
            type="submit"
            variant="default"
            leftSection={<IconPlus size={16} />}
            disabled={!id || id in field.value}
          >
            Add
          </Button>
        </Group>
      </form>
      <Findings findings={field.findings} />
    </Card>
  );
}
