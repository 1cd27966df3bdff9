import { Button, Group, Modal, Radio, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";

import { type Member, type Role, useMemberActions } from "@/api/keys";
import { Failure } from "@/parts/Failure";
import { done } from "@/parts/notices";

import { ROLES } from "./scopes";

/** Adds somebody, or changes their name, address or role. */
export function MemberForm({ edited, close }: { edited: Member | null; close: () => void }) {
  const { create, update } = useMemberActions();
  const [name, setName] = useState(edited?.name ?? "");
  const [email, setEmail] = useState(edited?.email ?? "");
  const [role, setRole] = useState<Role>(edited?.role ?? "editor");
  const error = create.error ?? update.error;
  const finish = (told: string) => () => {
    done(told);
    close();
  };
  const send = (event: FormEvent) => {
    event.preventDefault();
    const asked = { name: name.trim(), email: email.trim(), role };
    if (edited) {
      update.mutate(
        { memberId: edited.member_id, changes: asked },
        { onSuccess: finish(`${asked.name} is changed.`) },
      );
    } else create.mutate(asked, { onSuccess: finish(`${asked.name} is a member now.`) });
  };
  return (
    <Modal opened onClose={close} title={edited ? edited.name : "A new member"}>
      <form onSubmit={send}>
        <Stack gap="md">
          <TextInput
            label="Name"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={200}
            data-autofocus
            required
          />
          <TextInput
            label="E-mail address"
            description="To know who it is; nothing is sent there."
            type="email"
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          <Radio.Group label="Role" value={role} onChange={(value) => setRole(value as Role)}>
            <Stack gap="xs" mt={6}>
              {ROLES.map(({ value, label, text }) => (
                <Radio key={value} value={value} label={label} description={text} />
              ))}
            </Stack>
          </Radio.Group>
          {!edited && (
            <Text size="sm" c="dimmed">
              Then make a key that is theirs.
            </Text>
          )}
          {error && <Failure error={error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" disabled={!name.trim()} loading={create.isPending || update.isPending}>
              {edited ? "Save" : "Add"}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
