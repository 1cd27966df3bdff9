import { Alert, Button, Group, Modal, Select, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";

import { type ApiKey, isOwn, type KeyRequest, type MadeKey, type Member, useKeyActions } from "@/api/keys";
import { Failure } from "@/parts/Failure";
import { done } from "@/parts/notices";

import { dayOf, endOf, LIFETIMES } from "./expiry";
import { ScopeChoice } from "./ScopeChoice";

interface Props {
  /** null: a new one. */
  edited: ApiKey | null;
  isFirst: boolean;
  members: Member[];
  close: () => void;
  made: (made: MadeKey) => void;
}

/** Makes a key, or changes what one may do, its name, its end or whose it is. */
export function KeyForm({ edited, isFirst, members, close, made }: Props) {
  const { create, update } = useKeyActions();
  const [name, setName] = useState(edited?.name ?? (isFirst ? "owner" : ""));
  const [scopes, setScopes] = useState<string[] | null>(edited?.scopes ?? null);
  const end = edited?.expires_at_unix_secs ?? null;
  const [lifetime, setLifetime] = useState(end === null ? "" : "date");
  const [day, setDay] = useState(end === null ? "" : dayOf(end));
  const [memberId, setMemberId] = useState(edited?.member_id ?? null);
  const error = create.error ?? update.error;
  const isNarrow = scopes !== null && !scopes.includes("admin");
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (!edited) {
      const asked = {
        name: name.trim(),
        scopes,
        expires_at_unix_secs: endOf(lifetime, day),
        member_id: memberId,
      };
      create.mutate(asked, { onSuccess: made });
      return;
    }
    const changes: Partial<KeyRequest> = {};
    if (name.trim() !== edited.name) changes.name = name.trim();
    if (JSON.stringify(scopes) !== JSON.stringify(edited.scopes)) changes.scopes = scopes;
    if (lifetime !== "date" || day !== (end === null ? "" : dayOf(end))) {
      if (end !== null || lifetime !== "") changes.expires_at_unix_secs = endOf(lifetime, day);
    }
    if (memberId !== edited.member_id) changes.member_id = memberId;
    update.mutate(
      { keyId: edited.key_id, changes },
      {
        onSuccess: () => {
          done(`The key “${name.trim()}” is changed.`);
          close();
        },
      },
    );
  };
  return (
    <Modal
      opened
      onClose={close}
      title={edited ? `The key “${edited.name}”` : isFirst ? "The first API key" : "A new API key"}
      size="lg"
    >
      <form onSubmit={send}>
        <Stack gap="md">
          <TextInput
            label="Name"
            description="Where it is used: it stands in the audit log."
            placeholder="web shop"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={200}
            data-autofocus
            required
          />
          <ScopeChoice scopes={scopes} change={setScopes} />
          {isNarrow && (isFirst || (edited && isOwn(edited))) && (
            <Alert color="yellow" py="xs">
              {isFirst
                ? "This page will use the key, and show no more than it may. Let the first one do everything, and make others for single purposes."
                : "This page uses the key, and will show no more than it may."}
            </Alert>
          )}
          <SimpleGrid cols={{ base: 1, xs: members.length ? 2 : 1 }} spacing="sm">
            <Group gap="xs" align="flex-end" wrap="nowrap">
              <Select
                label="Ends"
                data={LIFETIMES}
                value={lifetime}
                onChange={(value) => setLifetime(value ?? "")}
                allowDeselect={false}
                flex={1}
              />
              {lifetime === "date" && (
                <TextInput
                  type="date"
                  aria-label="The last day"
                  value={day}
                  onChange={(event) => setDay(event.currentTarget.value)}
                  required
                />
              )}
            </Group>
            {members.length > 0 && (
              <Select
                label="Whose it is"
                placeholder="Nobody's"
                data={members.map((one) => ({ value: one.member_id, label: one.name }))}
                value={memberId}
                onChange={setMemberId}
                clearable
                clearButtonProps={{ "aria-label": "Nobody's" }}
              />
            )}
          </SimpleGrid>
          {error && <Failure error={error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button
              type="submit"
              disabled={!name.trim() || scopes?.length === 0}
              loading={create.isPending || update.isPending}
            >
              {edited ? "Save" : "Create the key"}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
