import {
  ActionIcon,
  Button,
  Checkbox,
  Group,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";

import type { JsonObject } from "@/api/agents";

import { at, isObject } from "../../agents/editor/document";
import { ParameterTable } from "./ParameterTable";
import { readParameters, writeProperties, writeRequired } from "./parameters";
import type { Draft } from "./ToolEditor";

const text = (config: JsonObject, path: string) => {
  const value = at(config, path);
  return typeof value === "string" ? value : "";
};

export function WhatItIs({ draft: { config, set }, isNamed }: { draft: Draft; isNamed: boolean }) {
  return (
    <Stack>
      <TextInput
        label="Name"
        description="The model calls it so: letters, digits, _ and -."
        placeholder="book_table"
        value={text(config, "name")}
        onChange={(event) => set("name", event.currentTarget.value)}
        error={isNamed ? undefined : "Letters, digits, _ and -, at most 64 of them"}
        maw={420}
        required
      />
      <Textarea
        label="Description"
        description="Tells the model what it does and when to call it."
        placeholder="Books a table, when the caller has chosen a time."
        value={text(config, "description")}
        onChange={(event) => set("description", event.currentTarget.value)}
        autosize
        minRows={2}
      />
    </Stack>
  );
}

export function ClientParameters({ draft: { config, set } }: { draft: Draft }) {
  return (
    <Stack>
      <ParameterTable
        title="Parameters"
        help="What your app is given when the agent calls the tool."
        parameters={readParameters(at(config, "parameters.properties"), at(config, "parameters.required"))}
        change={(parameters) =>
          set("parameters", {
            type: "object",
            ...(isObject(config.parameters) ? config.parameters : {}),
            properties: writeProperties(parameters),
            required: writeRequired(parameters),
          })
        }
      />
      <Checkbox
        label="The agent waits for an answer of the app"
        description="Otherwise it goes on at once, as for showing something."
        checked={config.expects_response === true}
        onChange={(event) => set("expects_response", event.currentTarget.checked)}
      />
    </Stack>
  );
}

const SPEECH = [
  { value: "auto", label: "If the model has something to say" },
  { value: "force", label: "Always say something first" },
  { value: "off", label: "Never" },
];
const EXECUTION = [
  { value: "immediate", label: "At once; the agent waits for it" },
  { value: "post_tool_speech", label: "When what is said before it was heard" },
  { value: "async", label: "In the background; the conversation goes on" },
];
const INTERRUPTION = [
  { value: "allow", label: "May be interrupted" },
  { value: "disable_during_tool", label: "Not while it runs" },
  { value: "disable_during_tool_and_turn", label: "Not while it runs, nor in the answer after it" },
];

export function Behaviour({ draft }: { draft: Draft }) {
  const { config, set } = draft;
  const choice = (path: string, label: string, data: typeof SPEECH, fallback: string) => (
    <Select
      label={label}
      data={data}
      value={text(config, path) || fallback}
      onChange={(value) => set(path, value ?? fallback)}
      allowDeselect={false}
    />
  );
  const isClient = config.type === "client";
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {choice("execution_mode", "When it runs", EXECUTION, "immediate")}
        {choice("pre_tool_speech", "Words before it", SPEECH, "auto")}
        {choice("interruption_mode", "Interruptions", INTERRUPTION, "allow")}
        <NumberInput
          label="Time for an answer"
          description={isClient ? "1 to 120 s" : "5 to 300 s"}
          inputWrapperOrder={["label", "input", "description", "error"]}
          suffix=" s"
          min={isClient ? 1 : 5}
          max={isClient ? 120 : 300}
          value={typeof config.response_timeout_secs === "number" ? config.response_timeout_secs : 20}
          onChange={(value) => typeof value === "number" && set("response_timeout_secs", value)}
        />
      </SimpleGrid>
      <Assignments draft={draft} />
    </Stack>
  );
}

/** Values of the answer that become dynamic variables. */
function Assignments({ draft: { config, set } }: { draft: Draft }) {
  const all = (Array.isArray(config.assignments) ? config.assignments : []).filter(isObject);
  const put = (index: number, some: JsonObject) =>
    set(
      "assignments",
      all.map((one, place) => (place === index ? { ...one, ...some } : one)),
    );
  return (
    <div role="group" aria-label="Assignments">
      <Title order={3} fz="sm">
        Assignments
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        Values of the answer that become variables, for prompts and other tools. The path has dots: booking.id
      </Text>
      <Stack gap="xs">
        {all.map((one, index) => (
          <Group key={index} gap="xs" align="flex-end">
            <TextInput
              size="xs"
              label="Path in the answer"
              placeholder="booking.id"
              value={text(one, "value_path")}
              onChange={(event) => put(index, { value_path: event.currentTarget.value })}
              flex="1 1 140px"
            />
            <TextInput
              size="xs"
              label="Variable"
              placeholder="booking_id"
              value={text(one, "dynamic_variable")}
              onChange={(event) => put(index, { dynamic_variable: event.currentTarget.value })}
              flex="1 1 140px"
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              mb={2}
              aria-label={`Remove assignment ${index + 1}`}
              onClick={() =>
                set(
                  "assignments",
                  all.filter((_, place) => place !== index),
                )
              }
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
        ))}
      </Stack>
      <Button
        size="xs"
        variant="default"
        mt="xs"
        leftSection={<IconPlus size={14} />}
        onClick={() =>
          set("assignments", [...all, { source: "response", value_path: "", dynamic_variable: "" }])
        }
      >
        Add an assignment
      </Button>
    </div>
  );
}
