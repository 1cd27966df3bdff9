import { Accordion, Code, Paper, Stack, Text, Title } from "@mantine/core";
import { useState } from "react";

import { type McpServer, useToolActions } from "@/api/tools";
import type { Json, JsonObject } from "@/api/agents";
import { counted } from "@/parts/format";
import { done, failed } from "@/parts/notices";
import { UnsavedBar } from "@/parts/UnsavedBar";

import { isSame } from "../../agents/editor/document";
import { McpFields } from "./McpFields";

/** How one server is called; what the form does not show stays as it is. */
export function McpSettings({ server: { id, config } }: { server: McpServer }) {
  const { saveServer } = useToolActions();
  const [drafted, setDrafted] = useState<JsonObject>({});
  /** How often all was discarded: the fields begin anew then. */
  const [discards, setDiscards] = useState(0);
  const changes = Object.fromEntries(
    Object.entries(drafted).filter(([key, value]) => !isSame(value, usual(config[key]))),
  );
  const save = (then?: () => void) =>
    saveServer.mutate(
      { id, changes },
      {
        onSuccess: () => {
          setDrafted({});
          then?.();
          done("Saved. Calls of its tools use it from now on.");
        },
        onError: (error) => failed(error, "Not saved"),
      },
    );
  return (
    <>
      <Paper p="lg" component="section" aria-label="Settings">
        <Title order={2} fz="md" mb={4}>
          Settings
        </Title>
        <Text size="sm" c="dimmed" mb="md">
          Name, address and transport stay as they are: a server at another address is added as another one.
        </Text>
        <Stack key={discards} maw={560}>
          <McpFields
            config={{ ...config, ...drafted }}
            set={(key: string, value: Json) => setDrafted({ ...drafted, [key]: value })}
          />
        </Stack>
        <Accordion variant="separated" mt="lg">
          <Accordion.Item value="stored">
            <Accordion.Control>As it is stored</Accordion.Control>
            <Accordion.Panel>
              <Code
                block
                fz="xs"
                mah={360}
                tabIndex={0}
                role="region"
                aria-label="As it is stored"
                style={{ overflow: "auto" }}
              >
                {JSON.stringify(config, null, 2)}
              </Code>
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
      </Paper>
      <UnsavedBar
        isDirty={Object.keys(changes).length > 0}
        title={counted(Object.keys(changes).length, "unsaved change")}
        canSave
        isSaving={saveServer.isPending}
        save={save}
        discard={() => {
          setDrafted({});
          setDiscards(discards + 1);
        }}
        of="this server"
      />
    </>
  );
}

/** What holds where nothing is said. */
const usual = (value: Json | undefined): Json => value ?? null;
