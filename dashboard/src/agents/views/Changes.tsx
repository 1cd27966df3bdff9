import { ActionIcon, Group, Paper, Stack, Table, Text, Title, Tooltip, VisuallyHidden } from "@mantine/core";
import { IconArrowBackUp, IconCircleCheck } from "@tabler/icons-react";
import { lazy, Suspense } from "react";

import type { Json } from "@/api/agents";
import { EmptyState } from "@/parts/EmptyState";
import { Loading } from "@/parts/Loading";

import { at } from "../editor/document";
import { useDraft } from "../editor/draft";
import classes from "./views.module.css";

const DiffView = lazy(() => import("../code/DiffView"));

const shown = (value: Json | undefined) => (value === undefined ? "not set" : JSON.stringify(value));

/** What would be saved: each change with a way back, and all of it as a diff. */
export default function Changes() {
  const { saved, document, changed, set } = useDraft();
  if (!changed.length) {
    return (
      <EmptyState
        icon={IconCircleCheck}
        title="Everything is saved"
        text="Change something, and what would be saved is listed here before you save it."
      />
    );
  }
  return (
    <Stack gap="md">
      <div>
        <Title order={2} fz="h3">
          Unsaved changes
        </Title>
        <Text c="dimmed" size="sm" mt={2}>
          Saving sends these values and nothing else. Conversations that run keep the old ones.
        </Text>
      </div>
      <Paper>
        <Table.ScrollContainer minWidth={560}>
          <Table aria-label="Unsaved changes" highlightOnHover={false}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Setting</Table.Th>
                <Table.Th>Saved</Table.Th>
                <Table.Th>Now</Table.Th>
                <Table.Th w={44}>
                  <VisuallyHidden>Actions</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {changed.map((path) => (
                <Table.Tr key={JSON.stringify(path)}>
                  <Table.Td>
                    <Text size="xs" ff="monospace" className={classes.path}>
                      {path.join(".")}
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    <Text c="dimmed" span className={classes.value}>
                      {shown(at(saved, path))}
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    <span className={classes.value}>{shown(at(document, path))}</span>
                  </Table.Td>
                  <Table.Td>
                    <Tooltip label="Take it back">
                      <ActionIcon
                        variant="subtle"
                        color="gray"
                        aria-label={`Take back the change of ${path.join(".")}`}
                        onClick={() => set(path, at(saved, path))}
                      >
                        <IconArrowBackUp size={16} />
                      </ActionIcon>
                    </Tooltip>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Paper>
      <Group justify="space-between">
        <Title order={3} fz="md">
          As JSON
        </Title>
      </Group>
      <Suspense fallback={<Loading rows={4} />}>
        <DiffView before={saved} after={document} labels={["Saved", "Now"]} />
      </Suspense>
    </Stack>
  );
}
