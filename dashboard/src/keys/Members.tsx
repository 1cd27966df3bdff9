import { Badge, Button, Group, Menu, Stack, Table, Text } from "@mantine/core";
import { IconPencil, IconPlus, IconTrash, IconUsers } from "@tabler/icons-react";
import { useState } from "react";

import { type Member, useMemberActions, useMembers } from "@/api/keys";
import { EmptyState } from "@/parts/EmptyState";
import { counted } from "@/parts/format";
import { ListTable } from "@/parts/ListTable";
import { confirm, done, failed } from "@/parts/notices";
import { RowMenu } from "@/parts/RowMenu";
import rows from "@/parts/Rows.module.css";
import { When } from "@/parts/When";

import { MemberForm } from "./MemberForm";
import { ROLES } from "./scopes";

const NO_LOGIN =
  "Nobody logs in: a key is what lets somebody in, and the role of its member is the most that it may do.";

/** The people that keys belong to. */
export function Members() {
  const list = useMembers();
  const [form, setForm] = useState<{ edited: Member | null } | null>(null);
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setForm({ edited: null })}>
      New member
    </Button>
  );
  return (
    <Stack gap="md">
      {list.items.length > 0 && (
        <Group justify="space-between" gap="sm">
          <Text size="sm" c="dimmed" maw={640}>
            {NO_LOGIN}
          </Text>
          {add}
        </Group>
      )}
      <ListTable
        list={list}
        label="Members"
        columns={["Name", "Role", "Keys", "Added"]}
        hasActions
        empty={
          <EmptyState
            icon={IconUsers}
            title="No members yet"
            text={`Members are the people that keys belong to. ${NO_LOGIN}`}
            action={add}
          />
        }
        row={(member) => (
          <Row key={member.member_id} member={member} edit={() => setForm({ edited: member })} />
        )}
      />
      {form && <MemberForm edited={form.edited} close={() => setForm(null)} />}
    </Stack>
  );
}

function Row({ member, edit }: { member: Member; edit: () => void }) {
  const { remove } = useMemberActions();
  const role = ROLES.find(({ value }) => value === member.role);
  const ask = () =>
    confirm(`Remove ${member.name}?`, "What they did stays in the audit log.", "Remove", () =>
      remove.mutate(member.member_id, {
        onSuccess: () => done(`${member.name} is removed.`),
        onError: (error) => failed(error),
      }),
    );
  return (
    <Table.Tr className={rows.row}>
      <Table.Td className={rows.name}>
        <Text fw={600} size="sm" style={{ overflowWrap: "anywhere" }}>
          {member.name}
        </Text>
        <Text size="xs" c="dimmed">
          {member.email}
        </Text>
      </Table.Td>
      <Table.Td className={rows.wide}>
        <Group gap={8}>
          <Badge variant="light" size="sm" color={member.role === "admin" ? undefined : "gray"}>
            {role?.label ?? member.role}
          </Badge>
          <Text size="xs" c="dimmed">
            {role?.text}
          </Text>
        </Group>
      </Table.Td>
      <Table.Td data-label="Keys">
        {member.api_keys.length ? counted(member.api_keys.length, "key") : "none"}
      </Table.Td>
      <Table.Td data-label="Added">
        <When at={member.created_at_unix_secs} />
      </Table.Td>
      <Table.Td className={rows.corner}>
        <RowMenu name={member.name}>
          <Menu.Item leftSection={<IconPencil size={16} />} onClick={edit}>
            Edit…
          </Menu.Item>
          <Menu.Item
            color="red"
            leftSection={<IconTrash size={16} />}
            onClick={ask}
            disabled={member.api_keys.length > 0}
          >
            {member.api_keys.length ? "Delete their keys first" : "Remove…"}
          </Menu.Item>
        </RowMenu>
      </Table.Td>
    </Table.Tr>
  );
}
