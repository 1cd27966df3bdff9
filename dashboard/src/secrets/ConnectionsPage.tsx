import { ActionIcon, Badge, Button, PasswordInput, Select, Table, Text, TextInput } from "@mantine/core";
import { IconPlus, IconShieldLock, IconTrash } from "@tabler/icons-react";
import { useState } from "react";

import { type Connection, useConnections, useSecretActions } from "@/api/secrets";
import { EmptyState } from "@/parts/EmptyState";
import { confirm, done, failed } from "@/parts/notices";
import { ListTable } from "@/parts/ListTable";
import rows from "@/parts/Rows.module.css";
import { When } from "@/parts/When";

import { CONNECTION_FIELDS, CONNECTION_TYPES } from "./connectionFields";
import { FormModal } from "./FormModal";
import { SecretsFrame } from "./SecretsFrame";

/** `/secrets/auth`: how tools prove to a service who is asking. */
export default function ConnectionsPage() {
  const list = useConnections();
  const [isAdding, setAdding] = useState(false);
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
      New connection
    </Button>
  );
  return (
    <SecretsFrame actions={add}>
      <ListTable
        list={list}
        hasActions
        label="Auth connections"
        columns={["Name", "Type", "Created"]}
        empty={
          <EmptyState
            icon={IconShieldLock}
            title="No auth connections yet"
            text="How a tool proves to a service who is asking: OAuth 2, a signed JWT, a password, a token. Tokens are fetched and renewed by this server."
            action={add}
          />
        }
        row={(one) => <Row key={one.auth_connection_id} one={one} />}
      />
      {isAdding && <NewConnection close={() => setAdding(false)} />}
    </SecretsFrame>
  );
}

function Row({ one }: { one: Connection }) {
  const { removeConnection } = useSecretActions();
  const erase = () =>
    confirm(`Delete ${one.name}?`, "It cannot be brought back.", "Delete", () =>
      removeConnection.mutate(one.auth_connection_id, {
        onSuccess: () => done("The connection is deleted."),
        onError: (error) => failed(error, "The connection stays"),
      }),
    );
  return (
    <Table.Tr className={rows.row}>
      <Table.Td className={rows.name}>
        <Text fw={600} style={{ overflowWrap: "anywhere" }}>
          {one.name}
        </Text>
        <Text size="xs" c="dimmed" ff="monospace">
          {one.auth_connection_id}
        </Text>
      </Table.Td>
      <Table.Td>
        <Badge variant="light">
          {CONNECTION_TYPES.find(({ value }) => value === one.auth_type)?.label ?? one.auth_type}
        </Badge>
      </Table.Td>
      <Table.Td data-label="Created">
        <When at={one.created_at_unix_secs} />
      </Table.Td>
      <Table.Td className={rows.actions}>
        <ActionIcon variant="subtle" color="gray" onClick={erase} aria-label={`Delete ${one.name}`}>
          <IconTrash size={16} />
        </ActionIcon>
      </Table.Td>
    </Table.Tr>
  );
}

function NewConnection({ close }: { close: () => void }) {
  const { addConnection } = useSecretActions();
  const [name, setName] = useState("");
  const [type, setType] = useState("bearer_auth");
  const [values, setValues] = useState<Record<string, string>>({});
  const fields = CONNECTION_FIELDS[type] ?? [];
  const given = Object.fromEntries(
    fields.flatMap(({ key, isList }) => {
      const value = values[key]?.trim();
      return value ? [[key, isList ? value.split(/\s+/) : value] as const] : [];
    }),
  );
  return (
    <FormModal
      title="New auth connection"
      verb="Add"
      isReady={Boolean(name.trim()) && fields.every(({ key, isOptional }) => isOptional || key in given)}
      isBusy={addConnection.isPending}
      error={addConnection.error}
      close={close}
      submit={() =>
        addConnection.mutate({ name: name.trim(), auth_type: type, ...given }, { onSuccess: close })
      }
    >
      <TextInput
        label="Name"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
        required
      />
      <Select
        label="Type"
        data={CONNECTION_TYPES}
        value={type}
        onChange={(value) => setType(value ?? "bearer_auth")}
        allowDeselect={false}
      />
      {fields.map(({ key, label, isSecret, isOptional }) => {
        const shared = {
          label,
          value: values[key] ?? "",
          onChange: (event: React.ChangeEvent<HTMLInputElement>) =>
            setValues({ ...values, [key]: event.currentTarget.value }),
          required: !isOptional,
          autoComplete: "off",
        };
        return isSecret ? (
          <PasswordInput
            key={key}
            {...shared}
            visibilityToggleButtonProps={{ "aria-label": `Show ${label} while typing` }}
          />
        ) : (
          <TextInput key={key} {...shared} />
        );
      })}
    </FormModal>
  );
}
