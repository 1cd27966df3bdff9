import { Anchor, Badge, Group, Stack, Text } from "@mantine/core";
import { Link } from "react-router";

import { useNewest } from "@/api/conversations";
import { STATUS } from "@/conversations/words";
import { Failure } from "@/parts/Failure";
import { clock, counted } from "@/parts/format";
import { Loading } from "@/parts/Loading";
import { When } from "@/parts/When";

import { Panel } from "./Panel";

/** The newest conversations. */
export function Recent() {
  const { data, error, refetch } = useNewest();
  return (
    <Panel
      title="Newest conversations"
      aside={
        <Anchor component={Link} to="/conversations" size="sm">
          All of them
        </Anchor>
      }
    >
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading rows={4} height={30} />}
      {data?.conversations.length === 0 && <Text c="dimmed">There is none yet.</Text>}
      <Stack gap="sm">
        {data?.conversations.map((one) => (
          <Group key={one.conversation_id} justify="space-between" wrap="nowrap" gap="sm">
            <div style={{ minWidth: 0 }}>
              <Anchor
                component={Link}
                to={`/conversations/${one.conversation_id}`}
                size="sm"
                fw={500}
                truncate
              >
                {one.agent_name ?? "A deleted agent"}
              </Anchor>
              <Text size="xs" c="dimmed">
                <When at={one.start_time_unix_secs} />, {counted(one.message_count, "message")}
              </Text>
            </div>
            <Group gap="xs" wrap="nowrap">
              <Text size="sm" c="dimmed" className="numbers">
                {clock(one.call_duration_secs)}
              </Text>
              <Badge variant="light" color={STATUS[one.status].colour} tt="none">
                {STATUS[one.status].label}
              </Badge>
            </Group>
          </Group>
        ))}
      </Stack>
    </Panel>
  );
}
