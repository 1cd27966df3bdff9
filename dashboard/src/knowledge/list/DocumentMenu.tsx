import { ActionIcon, Button, Group, Menu, Modal, Stack, TextInput } from "@mantine/core";
import {
  IconDots,
  IconEdit,
  IconFolderSymlink,
  IconRefresh,
  IconSearch,
  IconTrash,
} from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";

import { type KnowledgeDocument, useKnowledgeActions } from "@/api/knowledge";
import { confirm, done, failed } from "@/parts/notices";

/** With the field that lists folders, which the list of documents does without. */
const Move = lazy(() => import("./Move"));

interface Props {
  one: KnowledgeDocument;
  /** Told when it is gone. */
  removed?: () => void;
}

/** What can be done with a document or folder. */
export function DocumentMenu({ one, removed }: Props) {
  const { refresh, index, remove } = useKnowledgeActions();
  const [open, setOpen] = useState<"name" | "move" | null>(null);
  const onError = (error: Error) => failed(error);
  const agents = one.dependent_agents?.map(({ name }) => name).join(", ");
  const erase = () =>
    confirm(
      `Delete ${one.name}?`,
      [
        one.type === "folder" && "All that is in it goes too.",
        agents ? `${agents} will not know it any more.` : agents === "" && "No agent uses it.",
      ]
        .filter(Boolean)
        .join(" "),
      "Delete",
      () =>
        remove.mutate(one.id, {
          onSuccess: () => {
            done("Deleted.");
            removed?.();
          },
          onError,
        }),
    );
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={`More for ${one.name}`}>
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {one.type !== "folder" && (
            <Menu.Item
              leftSection={<IconSearch size={16} />}
              onClick={() => index.mutate(one.id, { onSuccess: () => done("It is being indexed."), onError })}
            >
              Index it
            </Menu.Item>
          )}
          {one.type === "url" && (
            <Menu.Item
              leftSection={<IconRefresh size={16} />}
              onClick={() =>
                refresh.mutate(one.id, { onSuccess: () => done("The page was fetched again."), onError })
              }
            >
              Fetch it again
            </Menu.Item>
          )}
          <Menu.Item leftSection={<IconEdit size={16} />} onClick={() => setOpen("name")}>
            Rename
          </Menu.Item>
          <Menu.Item leftSection={<IconFolderSymlink size={16} />} onClick={() => setOpen("move")}>
            Move
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={erase}>
            Delete
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {open === "name" && <Rename one={one} close={() => setOpen(null)} />}
      {open === "move" && (
        <Suspense>
          <Move one={one} close={() => setOpen(null)} />
        </Suspense>
      )}
    </>
  );
}

function Rename({ one, close }: { one: KnowledgeDocument; close: () => void }) {
  const { update } = useKnowledgeActions();
  const [name, setName] = useState(one.name);
  return (
    <Modal opened onClose={close} title={`Rename ${one.name}`}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          update.mutate(
            { id: one.id, name: name.trim() },
            { onSuccess: close, onError: (error) => failed(error) },
          );
        }}
      >
        <Stack>
          <TextInput
            label="Name"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            data-autofocus
            required
          />
          <Group justify="flex-end">
            <Button type="submit" loading={update.isPending} disabled={!name.trim()}>
              Rename
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
