import { Box, Group, Paper, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

interface Props {
  title: string;
  /** A sentence or two: what this is about. */
  lead?: ReactNode;
  action?: ReactNode;
  children?: ReactNode;
}

/** One matter of a page: its name, what it is about, what can be done with it. */
export function Block({ title, lead, action, children }: Props) {
  return (
    <Paper p={{ base: "md", sm: "lg" }} component="section" aria-label={title} miw={0}>
      <Group justify="space-between" align="flex-start" gap="sm" wrap="nowrap">
        <Box miw={0}>
          <Title order={2} fz="md">
            {title}
          </Title>
          {lead && (
            <Text c="dimmed" size="sm" mt={2} component="div" maw={720}>
              {lead}
            </Text>
          )}
        </Box>
        {action}
      </Group>
      {children && (
        <Stack gap="md" mt="md">
          {children}
        </Stack>
      )}
    </Paper>
  );
}
