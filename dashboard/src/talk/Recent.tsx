import { Anchor, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { Link } from "react-router";

import { CONVERSATIONS, type ConversationSummary } from "@/api/conversations";
import { useListed } from "@/api/paging";
import { clock, counted } from "@/parts/format";
import { When } from "@/parts/When";

/** The last conversations with an agent: where they can be looked at. Nothing when there are none. */
export function Recent({ agentId }: { agentId: string }) {
  const list = useListed<ConversationSummary>(CONVERSATIONS, "conversations", {
    agent_id: agentId,
    page_size: 5,
  });
  if (!list.items.length) return null;
  return (
    <Paper p="md">
      <Title order={2} fz="sm" mb="xs">
        Last conversations with this agent
      </Title>
      <Stack gap={6}>
        {list.items.map((one) => (
          <Group key={one.conversation_id} gap="sm" justify="space-between" wrap="nowrap">
            <Anchor component={Link} to={`/conversations/${one.conversation_id}`} size="sm" truncate>
              {one.call_summary_title || one.agent_name || one.conversation_id}
            </Anchor>
            <Text size="xs" c="dimmed" className="numbers" style={{ whiteSpace: "nowrap" }} component="div">
              {counted(one.message_count, "message")} · {clock(one.call_duration_secs)} ·{" "}
              <When at={one.start_time_unix_secs} />
            </Text>
          </Group>
        ))}
      </Stack>
    </Paper>
  );
}
