import { Anchor, Box, Button, Group, Paper, Progress, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconHandStop, IconUserShield } from "@tabler/icons-react";
import { memo } from "react";
import { Link } from "react-router";

import type { WaitingConversation } from "@/api/live";
import { clock, counted } from "@/parts/format";

import { Since, useNow } from "../clock";
import classes from "../Live.module.css";

/** Callers who wait for a person: why, for how long, what was said, and the button that answers. */
export function Waiting({ items }: { items: readonly WaitingConversation[] }) {
  return (
    <Paper component="section" aria-label="Waiting for a person" className={classes["waiting"]}>
      <Group gap="sm" px="md" pt="md" pb={4}>
        <ThemeIcon variant="light" color="orange" radius="xl">
          <IconHandStop size={16} />
        </ThemeIcon>
        <Title order={2} fz="md">
          {counted(items.length, "caller")} {items.length === 1 ? "waits" : "wait"} for a person
        </Title>
      </Group>
      <ul className={classes["rows"]}>
        {items.map((one) => (
          <One key={one.conversation_id} one={one} />
        ))}
      </ul>
    </Paper>
  );
}

const One = memo(function One({ one }: { one: WaitingConversation }) {
  const last = one.last_lines.findLast(({ role }) => role === "user");
  return (
    <li>
      <Group px="md" py="sm" gap="md" justify="space-between" align="flex-start">
        <Box flex="1 1 260px" miw={0}>
          <Text size="sm">
            <Anchor component={Link} to={`/live/${one.conversation_id}`} inherit fw={600}>
              {one.agent_name || "A deleted agent"}
            </Anchor>
            <Text span inherit c="dimmed">
              {" "}
              · {one.user_id ?? "Caller not named"}
            </Text>
          </Text>
          <Text size="sm" mt={2} style={{ overflowWrap: "anywhere" }}>
            {one.reason || "No reason was given."}
          </Text>
          {last && (
            <Text size="sm" c="dimmed" lineClamp={2}>
              “{last.message}”
            </Text>
          )}
        </Box>
        <Group gap="md" wrap="nowrap">
          <Left one={one} />
          <Button
            component={Link}
            to={`/live/${one.conversation_id}?take=over`}
            leftSection={<IconUserShield size={16} />}
          >
            Take over
          </Button>
        </Group>
      </Group>
    </li>
  );
});

/** How long they have waited, and what is left of the time. */
function Left({ one }: { one: WaitingConversation }) {
  const left = one.since_unix_secs + one.wait_timeout_secs - useNow();
  const isLate = left < 20;
  return (
    <Stack gap={4} w={132}>
      <Text size="sm" fw={600} className="numbers" ta="right">
        <Since at={one.since_unix_secs} />
      </Text>
      <Progress
        size={4}
        color={isLate ? "red" : "orange"}
        value={Math.min(100, Math.max(0, (100 * left) / one.wait_timeout_secs))}
        aria-label="What is left of the time"
      />
      <Text size="xs" c={isLate ? "red" : "dimmed"} className="numbers" ta="right">
        {left > 0 ? `given up in ${clock(left)}` : "given up now"}
      </Text>
    </Stack>
  );
}
