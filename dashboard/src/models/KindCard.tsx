import { Box, Group, Paper, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";

import type { Kind, ModelsOfAKind } from "@/api/models";

import { Installed } from "./Installed";
import classes from "./Models.module.css";
import { ProviderRow } from "./ProviderRow";

interface Props {
  kind: Kind;
  icon: Icon;
  title: string;
  lead: ReactNode;
  models: ModelsOfAKind;
}

/** Who does one kind of work: the default first, then the other entries of the settings, then what is installed. */
export function KindCard({ kind, icon: Symbol, title, lead, models }: Props) {
  const providers = [...models.providers].sort((a, b) => Number(b.is_default) - Number(a.is_default));
  return (
    <Paper p={{ base: "md", sm: "lg" }} component="section" aria-label={title} className={classes.card}>
      <Group gap="sm" wrap="nowrap" align="flex-start" mb="md">
        <ThemeIcon variant="light" size={36} radius="md">
          <Symbol size={20} stroke={1.7} />
        </ThemeIcon>
        <Box miw={0}>
          <Title order={2} fz="md">
            {title}
          </Title>
          <Text size="sm" c="dimmed">
            {lead}
          </Text>
        </Box>
      </Group>
      <Stack gap={0} className={classes.rows}>
        {providers.map((provider) => (
          <ProviderRow key={provider.name} kind={kind} provider={provider} />
        ))}
      </Stack>
      {models.installed.length > 0 && (
        <Box mt="auto" pt="md">
          <Installed models={models.installed} />
        </Box>
      )}
    </Paper>
  );
}
