import { ActionIcon, Anchor, Button, Group, PasswordInput, Table, Text, TextInput } from "@mantine/core";
import { IconLock, IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "react-router";

import { type Secret, useSecretActions, useSecrets } from "@/api/secrets";
import { EmptyState } from "@/parts/EmptyState";
import { confirm, done, failed } from "@/parts/notices";
import { ListTable } from "@/parts/ListTable";
import rows from "@/parts/Rows.module.css";

import { FormModal } from "./FormModal";
import { SecretsFrame } from "./SecretsFrame";

/** `/secrets`: names, and what uses each. */
export function SecretsPage() {
  const list = useSecrets();
  const [editing, setEditing] = useState<Secret | "new" | null>(null);
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setEditing("new")}>
      New secret
    </Button>
  );
  return (
    <SecretsFrame actions={add}>
      <ListTable
        list={list}
        hasActions
        label="Secrets"
        columns={["Name", "Used by"]}
        empty={
          <EmptyState
            icon={IconLock}
            title="No secrets yet"
            text="A key that a tool or a model of yours needs. Headers and agents name it, and nobody reads it again."
            action={add}
          />
        }
        row={(secret) => <Row key={secret.secret_id} secret={secret} edit={() => setEditing(secret)} />}
      />
      {editing && <SecretForm secret={editing === "new" ? null : editing} close={() => setEditing(null)} />}
    </SecretsFrame>
  );
}

const usersOf = ({ used_by }: Secret) => [
  ...used_by.tools.map(({ id, name }) => ({ to: `/tools/${id}`, name })),
  ...used_by.agents.map(({ id, name }) => ({ to: `/agents/${id}`, name })),
  ...used_by.mcp_servers.map(({ id, name }) => ({ to: `/tools/mcp/${id}`, name })),
];

function Row({ secret, edit }: { secret: Secret; edit: () => void }) {
  const { removeSecret } = useSecretActions();
  const users = usersOf(secret);
  const erase = () =>
    confirm(
      `Delete ${secret.name}?`,
      users.length
        ? `${users.map(({ name }) => name).join(", ")} will fail without it. It cannot be brought back.`
        : "Nothing here uses it. It cannot be brought back.",
      "Delete",
      () =>
        removeSecret.mutate(secret.secret_id, {
          onSuccess: () => done("The secret is deleted."),
          onError: (error) => failed(error),
        }),
    );
  return (
    <Table.Tr className={rows.row}>
      <Table.Td className={rows.name}>
        <Text fw={600} style={{ overflowWrap: "anywhere" }}>
          {secret.name}
        </Text>
        <Text size="xs" c="dimmed" ff="monospace">
          {secret.secret_id}
        </Text>
      </Table.Td>
      <Table.Td data-label="Used by">
        {users.length
          ? users.map(({ to, name }, index) => (
              <span key={to}>
                {index > 0 && ", "}
                <Anchor component={Link} underline="always" to={to} size="sm">
                  {name}
                </Anchor>
              </span>
            ))
          : "Nothing"}
      </Table.Td>
      <Table.Td className={rows.actions}>
        <Group gap={4} justify="flex-end" wrap="nowrap">
          <Button size="xs" variant="default" onClick={edit} aria-label={`Change ${secret.name}`}>
            Change
          </Button>
          <ActionIcon variant="subtle" color="gray" onClick={erase} aria-label={`Delete ${secret.name}`}>
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

function SecretForm({ secret, close }: { secret: Secret | null; close: () => void }) {
  const { saveSecret } = useSecretActions();
  const [name, setName] = useState(secret?.name ?? "");
  const [value, setValue] = useState("");
  const submit = () =>
    saveSecret.mutate(
      { id: secret?.secret_id ?? null, name: name.trim(), value },
      {
        onSuccess: () => {
          done(secret ? "The secret has its new value." : "The secret is kept.");
          close();
        },
      },
    );
  return (
    <FormModal
      title={secret ? `Change ${secret.name}` : "New secret"}
      verb={secret ? "Change" : "Add"}
      isReady={Boolean(name.trim() && value)}
      isBusy={saveSecret.isPending}
      error={saveSecret.error}
      close={close}
      submit={submit}
    >
      <TextInput
        label="Name"
        placeholder="crm_key"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        {...(secret ? {} : { "data-autofocus": true })}
        required
      />
      <PasswordInput
        label={secret ? "New value" : "Value"}
        description="It is not shown again, not to you either."
        value={value}
        onChange={(event) => setValue(event.currentTarget.value)}
        autoComplete="off"
        visibilityToggleButtonProps={{ "aria-label": "Show the value while typing" }}
        {...(secret ? { "data-autofocus": true } : {})}
        required
      />
    </FormModal>
  );
}
