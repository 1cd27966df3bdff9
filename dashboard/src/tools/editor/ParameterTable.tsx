import {
  ActionIcon,
  Button,
  Checkbox,
  Group,
  Paper,
  Select,
  Stack,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";

import { type Parameter, type Source, SOURCES } from "./parameters";

const TYPES = ["string", "integer", "number", "boolean", "object", "array"];

const TEXTS: Record<Source, { label: string; placeholder: string } | null> = {
  model: { label: "What the model is told", placeholder: "How many people come" },
  variable: { label: "Variable", placeholder: "system__conversation_id" },
  constant: { label: "Value", placeholder: "voice" },
  system: null,
  nobody: null,
};

interface Props {
  title: string;
  help: ReactNode;
  parameters: Parameter[];
  change: (parameters: Parameter[]) => void;
  /** Path parameters are always needed. */
  canBeOptional?: boolean;
}

/** Parameters of one part of a request: who fills each, and with what. */
export function ParameterTable({ title, help, parameters, change, canBeOptional = true }: Props) {
  const put = (index: number, some: Partial<Parameter>) =>
    change(parameters.map((one, place) => (place === index ? { ...one, ...some } : one)));
  const add = () =>
    change([
      ...parameters,
      { name: freeName(parameters), type: "string", source: "model", text: "", isRequired: false, rest: {} },
    ]);
  return (
    <div role="group" aria-label={title}>
      <Title order={3} fz="sm">
        {title}
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {help}
      </Text>
      <Stack gap="xs">
        {parameters.map((one, index) => (
          <Row
            key={index}
            one={one}
            of={title}
            isTaken={(name) => parameters.some((other, place) => place !== index && other.name === name)}
            put={(some) => put(index, some)}
            remove={() => change(parameters.filter((_, place) => place !== index))}
            canBeOptional={canBeOptional}
          />
        ))}
      </Stack>
      <Button size="xs" variant="default" mt="xs" leftSection={<IconPlus size={14} />} onClick={add}>
        Add a parameter
      </Button>
    </div>
  );
}

function freeName(parameters: Parameter[]): string {
  let number = parameters.length + 1;
  while (parameters.some((one) => one.name === `parameter_${number}`)) number += 1;
  return `parameter_${number}`;
}

interface RowProps {
  one: Parameter;
  of: string;
  /** Whether another row has this name: two cannot, one of them would be lost. */
  isTaken: (name: string) => boolean;
  put: (some: Partial<Parameter>) => void;
  remove: () => void;
  canBeOptional: boolean;
}

function Row({ one, of, isTaken, put, remove, canBeOptional }: RowProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const rename = (name: string) => {
    setTyped(isTaken(name) ? name : null);
    if (!isTaken(name)) put({ name });
  };
  const text = TEXTS[one.source];
  const label = `${of}: ${one.name}`;
  return (
    <Paper p="xs" bg="transparent">
      <Group gap="xs" align="flex-end">
        <TextInput
          size="xs"
          label="Name"
          value={typed ?? one.name}
          onChange={(event) => rename(event.currentTarget.value)}
          onBlur={() => setTyped(null)}
          error={typed === null ? undefined : "Another one is called so"}
          flex="1 1 120px"
        />
        <Select
          size="xs"
          label="Type"
          data={TYPES}
          value={one.type}
          onChange={(type) => put({ type: type ?? "string" })}
          allowDeselect={false}
          w={96}
        />
        <Select
          size="xs"
          label="Filled by"
          data={SOURCES}
          value={one.source}
          onChange={(source) => put({ source: (source ?? "model") as Source, text: "" })}
          allowDeselect={false}
          w={124}
        />
        {text ? (
          <TextInput
            size="xs"
            label={text.label}
            placeholder={text.placeholder}
            value={one.text}
            onChange={(event) => put({ text: event.currentTarget.value })}
            flex="3 1 200px"
          />
        ) : (
          <Text size="xs" c="dimmed" flex="3 1 200px" pb={6}>
            {one.source === "system"
              ? `The variable system__${one.name}, else ${one.name}.`
              : "It is left out."}
          </Text>
        )}
        {canBeOptional && (
          <Checkbox
            size="xs"
            label="Required"
            aria-label={`${label} is required`}
            checked={one.isRequired}
            onChange={(event) => put({ isRequired: event.currentTarget.checked })}
            pb={6}
          />
        )}
        <ActionIcon variant="subtle" color="gray" onClick={remove} aria-label={`Remove ${label}`} mb={2}>
          <IconTrash size={16} />
        </ActionIcon>
      </Group>
      {(one.type === "object" || one.type === "array") && (
        <Text size="xs" c="dimmed" mt={4}>
          What is inside it stands in the JSON view.
        </Text>
      )}
    </Paper>
  );
}
