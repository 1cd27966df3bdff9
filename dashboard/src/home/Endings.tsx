import { Badge, Group, Progress, Stack, Text } from "@mantine/core";

import type { Ending } from "@/api/overview";
import { counted } from "@/parts/format";

import { Panel } from "./Panel";

/** Why calls ended, most frequent first. */
export function Endings({ endings }: { endings: Ending[] }) {
  const total = endings.reduce((sum, ending) => sum + ending.count, 0);
  return (
    <Panel title="Why calls ended">
      {total === 0 ? (
        <Text c="dimmed">No call has ended yet. Each one tells its reason here.</Text>
      ) : (
        <Stack gap="sm">
          {endings.slice(0, 7).map((ending) => {
            const reason = ending.termination_reason || "No reason was given";
            return (
              <div key={`${ending.status} ${reason}`}>
                <Group justify="space-between" wrap="nowrap" mb={3}>
                  <Text size="sm" truncate title={reason}>
                    {reason}
                  </Text>
                  <Group gap={6} wrap="nowrap">
                    {ending.status === "failed" && (
                      <Badge color="red" size="sm" tt="none" variant="light">
                        failed
                      </Badge>
                    )}
                    <Text size="sm" c="dimmed" className="numbers">
                      {ending.count.toLocaleString("en")}
                    </Text>
                  </Group>
                </Group>
                <Progress
                  value={(100 * ending.count) / total}
                  color={ending.status === "failed" ? "red" : undefined}
                  size="sm"
                  aria-label={`${reason}: ${counted(ending.count, "call")}`}
                />
              </div>
            );
          })}
        </Stack>
      )}
    </Panel>
  );
}
