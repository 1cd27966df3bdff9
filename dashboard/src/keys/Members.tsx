import {
  ActionIcon,
  Badge,
  Button,
  Group,
  Menu,
  Paper,
  Stack,
  Table,
  Text,
  VisuallyHidden,
} from "@mantine/core";
import { IconDots, IconPencil, IconPlus, IconTrash, IconUsers } from "@tabler/icons-react";
import { useState } from "react";

import { type Member, useMemberActions, useMembers } from "@/api/keys";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { counted } from "@/parts/format";
import { Loading } from "@/parts/Loading";
import { LoadMore } from "@/parts/LoadMore";
import { confirm, done, failed } from "@/parts/notices";
import { When } from "@/parts/When";

import classes from "./Keys.module.css";
import { MemberForm } from "./MemberForm";
import { ROLES } from "./scopes";

/** The people that keys belong to. */
export function Members() {
  const list = useMembers();
  const [form, setForm] = useState<{ edited: Member | null } | null>(null);
  const add = () => setForm({ edited: null });
  return (
    <Stack gap="md">
      {list.error ? (
        <Failure error={list.error} retry={list.refetch} />
      ) : list.isPending ? (
        <Loading rows={4} height={56} />
      ) : list.items.length === 0 ? (
        <EmptyState
          icon={IconUsers}
          title="No members yet"
          text="Members are the people that keys belong to. Nobody logs in: a key is what lets somebody in, and the role of its member is the most that it may do."
          action={
            <Button leftSection={<IconPlus size={16} />} onClick={add}>
              New member
            </Button>
          }
        />
      ) : (
        <>
          <Group justify="space-between" gap="sm">
            <Text size="sm" c="dimmed" maw={640}>
              Nobody logs in: a key is what lets somebody in, and the role of its member is the most that it
              may do.
            </Text>
            <Button leftSection={<IconPlus size={16} />} onClick={add}>
              New member
            </Button>
          </Group>
          <Paper className={classes.frame}>
            <Table className={classes.table} horizontalSpacing="md" aria-label="Members">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Name</Table.Th>
                  <Table.Th>Role</Table.Th>
                  <Table.Th>Keys</Table.Th>
                  <Table.Th>Added</Table.Th>
                  <Table.Th>
                    <VisuallyHidden>Actions</VisuallyHidden>
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {list.items.map((member) => (
                  <Row key={member.member_id} member={member} edit={() => setForm({ edited: member })} />
                ))}
              </Table.Tbody>
            </Table>
          </Paper>
          <LoadMore list={list} />
        </>
      )}
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
    <Table.Tr>
      <Table.Td className={classes.name}>
        <Text fw={600} size="sm" style={{ overflowWrap: "anywhere" }}>
          {member.name}
        </Text>
        <Text size="xs" c="dimmed">
          {member.email}
        </Text>
      </Table.Td>
      <Table.Td className={classes.wide}>
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
      <Table.Td className={classes.actions}>
        <Menu position="bottom-end" width={190}>
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`More about ${member.name}`}>
              <IconDots size={18} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
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
          </Menu.Dropdown>
        </Menu>
      </Table.Td>
    </Table.Tr>
  );
}
