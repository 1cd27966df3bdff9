import { Button, Group, List, Paper, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconLockOpen } from "@tabler/icons-react";

import { useServer } from "@/api/server";
import { Command } from "@/parts/Command";
import { inItsFolder } from "@/parts/here";

/** What it means that there is no key yet, and what the first one changes. */
export function Keyless({ create }: { create: () => void }) {
  const server = useServer().data;
  const isOff = server?.auth === "off";
  return (
    <Paper p={{ base: "lg", sm: "xl" }}>
      <Stack gap="md" maw={680}>
        <Group gap="sm" wrap="nowrap">
          <ThemeIcon size={44} radius="xl" variant="light" color="yellow">
            <IconLockOpen size={24} stroke={1.6} />
          </ThemeIcon>
          <div>
            <Title order={2} fz="h4">
              This server asks nobody for a key
            </Title>
            <Text c="dimmed" size="sm">
              There is no API key yet.
            </Text>
          </div>
        </Group>
        {isOff ? (
          <Text size="sm">
            The setting auth is off: whoever reaches this server may do everything, keys or not, and something
            in front of it must decide who that is. Keys still say in the audit log who did what.
          </Text>
        ) : (
          <WithTheFirst />
        )}
        <Group gap="sm">
          <Button onClick={create}>Create the first key</Button>
        </Group>
        <Text size="sm" c="dimmed">
          Or where the server runs:
        </Text>
        <Command text={inItsFolder("parola keys create owner", server?.data)} label="Copy the command" />
      </Stack>
    </Paper>
  );
}

function WithTheFirst() {
  return (
    <>
      <Text size="sm">
        While it listens on this machine only and has no key, every program here may use it, and pages of
        other sites may not. That is good for trying things out. With the first key:
      </Text>
      <List size="sm" spacing={6}>
        <List.Item>
          Every request needs a key, those of this page too; it takes the new one at once.
        </List.Item>
        <List.Item>Apps and command lines that use this server now have to send one.</List.Item>
        <List.Item>
          Public agents stay public: callers need no key, unless the agent asks for authentication.
        </List.Item>
        <List.Item>The server may listen beyond this machine: without a key, nobody there gets in.</List.Item>
      </List>
    </>
  );
}
