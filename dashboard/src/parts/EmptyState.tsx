import { Paper, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";

import { Command } from "./Command";

interface Props {
  icon: Icon;
  title: string;
  /** What to do next, in a sentence or two. */
  text: ReactNode;
  /** The command that does it. */
  command?: string;
  /** A button that does it. */
  action?: ReactNode;
}

/** What a page shows when it has nothing yet: what belongs here and how to get it. */
export function EmptyState({ icon: Symbol, title, text, command, action }: Props) {
  return (
    <Paper p="xl">
      <Stack align="center" gap="sm" maw={560} mx="auto" ta="center" py="md">
        <ThemeIcon size={52} radius="xl" variant="light">
          <Symbol size={28} stroke={1.6} />
        </ThemeIcon>
        <Title order={2} fz="h4">
          {title}
        </Title>
        <Text c="dimmed" component="div">
          {text}
        </Text>
        {command && <Command text={command} label="Copy the command" wraps />}
        {action}
      </Stack>
    </Paper>
  );
}
