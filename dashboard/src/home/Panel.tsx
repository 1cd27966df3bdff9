import { Group, Paper, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** One question of the overview and its answer. */
export function Panel({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <Paper p="lg" component="section" aria-label={title} h="100%">
      <Group justify="space-between" mb="md" gap="xs">
        <Title order={2} fz="md">
          {title}
        </Title>
        {aside}
      </Group>
      {children}
    </Paper>
  );
}
