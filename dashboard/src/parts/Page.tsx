import { Anchor, Box, Breadcrumbs, Group, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";
import { Link } from "react-router";

interface Props {
  title: string;
  /** One sentence under the title: what this page is for. */
  lead?: ReactNode;
  /** Where one comes from: pages above this one. */
  trail?: { label: string; to: string }[];
  actions?: ReactNode;
  children: ReactNode;
}

/** The frame of a page: title, what it is for, what can be done here. */
export function Page({ title, lead, trail, actions, children }: Props) {
  useDocumentTitle(`${title} · Parola`);
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-end" gap="sm">
        <Box miw={0}>
          {trail && (
            <Breadcrumbs mb={4} fz="sm">
              {trail.map((step) => (
                <Anchor key={step.to} component={Link} to={step.to} fz="sm">
                  {step.label}
                </Anchor>
              ))}
            </Breadcrumbs>
          )}
          <Title order={1} fz="h2" lineClamp={3} style={{ overflowWrap: "anywhere" }}>
            {title}
          </Title>
          {lead && (
            <Text c="dimmed" mt={2} component="div">
              {lead}
            </Text>
          )}
        </Box>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}
