import { Box, Paper, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** One section of the editor: what it is about, then its cards. */
export function Section({ title, lead, children }: { title: string; lead?: ReactNode; children: ReactNode }) {
  return (
    <Stack gap="md" maw={860}>
      <div>
        <Title order={2} fz="h3">
          {title}
        </Title>
        {lead && (
          <Text c="dimmed" size="sm" mt={2} component="div">
            {lead}
          </Text>
        )}
      </div>
      {children}
    </Stack>
  );
}

/** Settings that belong together. */
export function Card({
  title,
  lead,
  action,
  children,
}: {
  title?: string;
  lead?: ReactNode;
  action?: ReactNode;
  children: ReactNode;
}) {
  return (
    <Paper p={{ base: "md", sm: "lg" }}>
      {title && (
        <Box mb="md">
          <Box style={{ display: "flex", justifyContent: "space-between", gap: 12, alignItems: "center" }}>
            <Title order={3} fz="md">
              {title}
            </Title>
            {action}
          </Box>
          {lead && (
            <Text c="dimmed" size="sm" mt={2} component="div">
              {lead}
            </Text>
          )}
        </Box>
      )}
      <Stack gap="lg">{children}</Stack>
    </Paper>
  );
}
