import {
  ActionIcon,
  Badge,
  Button,
  Code,
  Group,
  Table,
  Text,
  TextInput,
  Tooltip,
  VisuallyHidden,
} from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";

import type { Json, JsonObject } from "@/api/agents";

import { without } from "../editor/document";
import { useDraft, useField } from "../editor/draft";
import { Findings } from "../editor/fields";
import { type FoundVariable, PLACEHOLDERS, SYSTEM_VARIABLES, variablesOf } from "../editor/variables";
import classes from "./sections.module.css";

const KINDS = {
  given: { colour: "teal", text: "has a value", told: "Callers may send another." },
  missing: {
    colour: "orange",
    text: "no value",
    told: "A caller who does not send it is refused. Give it a placeholder, or see Personalisation.",
  },
  unknown: { colour: "red", text: "unknown", told: "There is no system variable of this name." },
  system: { colour: "gray", text: "system", told: "The server fills it in." },
};

/** Every variable of the agent: where it is used, what it is when nobody sends it. */
export function VariableTable() {
  const { document } = useDraft();
  const placeholders = useField<JsonObject>(PLACEHOLDERS, {});
  const [name, setName] = useState("");
  const found = variablesOf(document);
  const put = (variable: string, value: Json | undefined) =>
    placeholders.set(
      value === undefined
        ? without(placeholders.value, variable)
        : { ...placeholders.value, [variable]: value },
    );
  const wanted = name.trim();
  const isFree = wanted !== "" && !found.some((one) => one.name === wanted) && !wanted.startsWith("system__");
  const add = () => {
    put(wanted, "");
    setName("");
  };
  return (
    <div>
      {found.length > 0 && (
        <Table.ScrollContainer minWidth={520}>
          <Table aria-label="Variables" verticalSpacing={8} highlightOnHover={false}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Used in</Table.Th>
                <Table.Th w={240}>Placeholder</Table.Th>
                <Table.Th w={40}>
                  <VisuallyHidden>Actions</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {found.map((variable) => (
                <Row key={variable.name} variable={variable} put={put} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Findings findings={placeholders.findings} />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isFree) add();
        }}
      >
        <Group gap="xs" mt={found.length ? "sm" : 0} align="flex-end">
          <TextInput
            size="sm"
            label="Another variable"
            description={
              found.length ? undefined : "None is used yet. Write {{name}} into the prompt, or add one here."
            }
            placeholder="customer_name"
            value={name}
            onChange={(event) => setName(event.currentTarget.value.replace(/[{}\s]/g, ""))}
          />
          <Button type="submit" variant="default" disabled={!isFree} leftSection={<IconPlus size={16} />}>
            Add
          </Button>
        </Group>
      </form>
    </div>
  );
}

function Row({
  variable,
  put,
}: {
  variable: FoundVariable;
  put: (name: string, value: Json | undefined) => void;
}) {
  const { name, places, placeholder, kind } = variable;
  const { colour, text, told } = KINDS[kind];
  const isOwn = kind === "given" || kind === "missing";
  return (
    <Table.Tr>
      <Table.Td>
        <Group gap={8} wrap="nowrap">
          <Code className={classes.variable}>{name}</Code>
          <Tooltip label={kind === "system" ? (SYSTEM_VARIABLES[name] ?? told) : told} multiline maw={280}>
            <Badge size="sm" variant="light" color={colour} tt="none" tabIndex={0}>
              {text}
            </Badge>
          </Tooltip>
        </Group>
      </Table.Td>
      <Table.Td>
        <Text size="sm" c="dimmed">
          {places.join(", ") || "nothing"}
        </Text>
      </Table.Td>
      <Table.Td>
        {isOwn && (
          <TextInput
            size="xs"
            aria-label={`Placeholder of ${name}`}
            placeholder="none"
            value={
              typeof placeholder === "string"
                ? placeholder
                : placeholder == null
                  ? ""
                  : JSON.stringify(placeholder)
            }
            onChange={(event) => put(name, event.currentTarget.value)}
          />
        )}
      </Table.Td>
      <Table.Td>
        {placeholder !== undefined && (
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Take out the placeholder of ${name}`}
            onClick={() => put(name, undefined)}
          >
            <IconTrash size={16} />
          </ActionIcon>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
