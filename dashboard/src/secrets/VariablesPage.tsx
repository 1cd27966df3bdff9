import { ActionIcon, Badge, Button, Group, Select, Table, Text, Textarea, TextInput } from "@mantine/core";
import { IconPlus, IconTrash, IconVariable } from "@tabler/icons-react";
import { useState } from "react";

import type { JsonObject } from "@/api/agents";
import { useConnections, useSecretActions, useSecrets, useVariables, type Variable } from "@/api/secrets";
import { EmptyState } from "@/parts/EmptyState";
import { confirm, done, failed } from "@/parts/notices";
import { ListTable } from "@/parts/ListTable";
import rows from "@/parts/Rows.module.css";

import { FormModal } from "./FormModal";
import { SecretsFrame } from "./SecretsFrame";

/** `/secrets/environment`: one agent, other values in each environment. */
export default function VariablesPage() {
  const list = useVariables();
  const [isAdding, setAdding] = useState(false);
  const [changing, setChanging] = useState<Variable | null>(null);
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
      New variable
    </Button>
  );
  return (
    <SecretsFrame actions={add}>
      <ListTable
        list={list}
        hasActions
        label="Environment variables"
        columns={["Label", "Type", "Values"]}
        empty={
          <EmptyState
            icon={IconVariable}
            title="No environment variables yet"
            text="One agent, another address or key in each environment: tools name {{system__env_LABEL}}, and a conversation says which environment it is in."
            action={add}
          />
        }
        row={(variable) => <Row key={variable.id} variable={variable} edit={() => setChanging(variable)} />}
      />
      {isAdding && <NewVariable close={() => setAdding(false)} />}
      {changing && <ValueForm variable={changing} close={() => setChanging(null)} />}
    </SecretsFrame>
  );
}

function Row({ variable, edit }: { variable: Variable; edit: () => void }) {
  const { removeVariable } = useSecretActions();
  const erase = () =>
    confirm(`Delete ${variable.label}?`, "Tools that name it will fail.", "Delete", () =>
      removeVariable.mutate(variable.id, {
        onSuccess: () => done("The variable is deleted."),
        onError: (error) => failed(error),
      }),
    );
  return (
    <Table.Tr className={rows.row}>
      <Table.Td className={rows.name}>
        <Text fw={600} ff="monospace" size="sm" style={{ overflowWrap: "anywhere" }}>
          {variable.label}
        </Text>
      </Table.Td>
      <Table.Td>
        <Badge variant="light">{variable.type.replace("_", " ")}</Badge>
      </Table.Td>
      <Table.Td data-label="Values">
        {Object.entries(variable.values).map(([environment, value]) => (
          <Text key={environment} size="sm" style={{ overflowWrap: "anywhere" }}>
            <Text span inherit c="dimmed">
              {environment}{" "}
            </Text>
            {typeof value === "string" ? value : String(Object.values(value)[0])}
          </Text>
        ))}
      </Table.Td>
      <Table.Td className={rows.actions}>
        <Group gap={4} justify="flex-end" wrap="nowrap">
          <Button size="xs" variant="default" onClick={edit} aria-label={`Set a value of ${variable.label}`}>
            Set a value
          </Button>
          <ActionIcon variant="subtle" color="gray" onClick={erase} aria-label={`Delete ${variable.label}`}>
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

/** A value by the type of its variable: a text, or one of the secrets or connections. */
function ValueField({
  type,
  value,
  change,
}: {
  type: string;
  value: string;
  change: (value: string) => void;
}) {
  const secrets = useSecrets();
  const connections = useConnections();
  if (type === "string") {
    return (
      <Textarea
        label="Value"
        value={value}
        onChange={(event) => change(event.currentTarget.value)}
        autosize
        required
      />
    );
  }
  const data =
    type === "secret"
      ? secrets.items.map(({ secret_id, name }) => ({ value: secret_id, label: name }))
      : connections.items.map(({ auth_connection_id, name }) => ({ value: auth_connection_id, label: name }));
  return (
    <Select
      label={type === "secret" ? "Secret" : "Auth connection"}
      data={data}
      value={value || null}
      onChange={(chosen) => change(chosen ?? "")}
      required
    />
  );
}

const valueOf = (type: string, value: string): string | JsonObject =>
  type === "secret"
    ? { secret_id: value }
    : type === "auth_connection"
      ? { auth_connection_id: value }
      : value;

function NewVariable({ close }: { close: () => void }) {
  const { addVariable } = useSecretActions();
  const [label, setLabel] = useState("");
  const [type, setType] = useState("string");
  const [value, setValue] = useState("");
  return (
    <FormModal
      title="New environment variable"
      verb="Add"
      isReady={/^\w+$/.test(label) && Boolean(value)}
      isBusy={addVariable.isPending}
      error={addVariable.error}
      close={close}
      submit={() =>
        addVariable.mutate(
          { label, type, values: { production: valueOf(type, value) } },
          { onSuccess: close },
        )
      }
    >
      <TextInput
        label="Label"
        description="Letters, digits and _."
        placeholder="crm_url"
        value={label}
        onChange={(event) => setLabel(event.currentTarget.value)}
        data-autofocus
        required
      />
      <Select
        label="Type"
        data={[
          { value: "string", label: "Text" },
          { value: "secret", label: "Secret" },
          { value: "auth_connection", label: "Auth connection" },
        ]}
        value={type}
        onChange={(chosen) => {
          setType(chosen ?? "string");
          setValue("");
        }}
        allowDeselect={false}
      />
      <Text size="sm" c="dimmed">
        In production. Other environments fall back to it until they have their own.
      </Text>
      <ValueField type={type} value={value} change={setValue} />
    </FormModal>
  );
}

function ValueForm({ variable, close }: { variable: Variable; close: () => void }) {
  const { changeVariable } = useSecretActions();
  const [environment, setEnvironment] = useState("production");
  const [value, setValue] = useState("");
  return (
    <FormModal
      title={`Set a value of ${variable.label}`}
      verb="Set"
      isReady={Boolean(environment.trim() && value)}
      isBusy={changeVariable.isPending}
      error={changeVariable.error}
      close={close}
      submit={() =>
        changeVariable.mutate(
          { id: variable.id, values: { [environment.trim()]: valueOf(variable.type, value) } },
          { onSuccess: close },
        )
      }
    >
      <TextInput
        label="Environment"
        value={environment}
        onChange={(event) => setEnvironment(event.currentTarget.value)}
        required
      />
      <ValueField type={variable.type} value={value} change={setValue} />
    </FormModal>
  );
}
