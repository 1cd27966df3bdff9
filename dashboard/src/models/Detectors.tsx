import { Badge, Box, Group, SimpleGrid, Text } from "@mantine/core";

import type { Detector, ServerModels } from "@/api/models";
import { Block } from "@/parts/Block";

import { Installed } from "./Installed";

/** The two small models that hear whether somebody speaks and whether they have finished. */
export function Detectors({ models }: { models: ServerModels }) {
  return (
    <Block title="Turns" lead="Who holds the floor: whether a caller speaks, and whether they have finished.">
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
        <One
          name="Detects speech"
          detector={models.voice_activity}
          without="Nothing detects speech here: voice calls are not possible."
        />
        <One
          name="Detects the end of a turn"
          detector={models.turn_detector}
          without="Silence alone decides when a turn is over."
        />
      </SimpleGrid>
    </Block>
  );
}

function One({ name, detector, without }: { name: string; detector: Detector; without: string }) {
  return (
    <Box miw={0}>
      <Group gap={8}>
        <Text fw={600}>{name}</Text>
        {detector.used && (
          <Badge variant="light" color="teal" size="sm">
            {detector.used}
          </Badge>
        )}
      </Group>
      <Text size="sm" c="dimmed" mb="xs">
        {detector.note ??
          (detector.used ? "It runs in this process, and is used in every voice call." : without)}
      </Text>
      <Installed models={detector.installed} />
    </Box>
  );
}
