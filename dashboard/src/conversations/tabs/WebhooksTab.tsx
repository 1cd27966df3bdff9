import { Anchor, Badge, Button, Group, Paper, Stack, Text } from "@mantine/core";
import { IconWebhook } from "@tabler/icons-react";
import { Link } from "react-router";

import { type ConversationRecord, isRunning } from "@/api/conversations";
import { useListed } from "@/api/paging";
import { type Delivery, DELIVERIES } from "@/api/webhooks";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { counted } from "@/parts/format";
import { LoadMore } from "@/parts/LoadMore";
import { Loading } from "@/parts/Loading";
import { When } from "@/parts/When";
import { deliveryWords } from "@/webhooks/deliveries/reasons";
import { STATES } from "@/webhooks/deliveries/types";

/** What was sent of this conversation, and what was not and why. */
export default function WebhooksTab({ record }: { record: ConversationRecord }) {
  const isEarly = isRunning(record.status) || record.status === "processing";
  const list = useListed<Delivery>(
    DELIVERIES,
    "deliveries",
    { conversation_id: record.conversation_id },
    { refresh: { everyMs: 5_000, id: "delivery_id" } },
  );
  if (list.error) return <Failure error={list.error} retry={list.refetch} />;
  if (list.isPending) return <Loading rows={3} height={64} />;
  if (!list.items.length)
    return (
      <EmptyState
        icon={IconWebhook}
        title="Nothing was to be sent"
        text={
          isEarly
            ? "Webhooks are sent when the conversation has ended and was analysed."
            : "No delivery of this conversation is kept."
        }
        action={<Link to="/webhooks">Webhooks</Link>}
      />
    );
  return (
    <Stack gap="xs">
      {list.items.map((one) => (
        <Paper key={one.delivery_id} p="md">
          <Group justify="space-between" gap="xs">
            <div>
              <Anchor
                component={Link}
                to={`/webhooks/deliveries/${one.delivery_id}`}
                fw={600}
                ff="monospace"
                fz="sm"
              >
                {one.type}
              </Anchor>
              <Text size="sm" c="dimmed" className="numbers">
                {one.webhook_id ?? "No endpoint"} · {counted(one.attempt_count, "attempt")}
                {one.last_status_code !== null && `, the last answered ${one.last_status_code}`}
                {`. ${deliveryWords(one).text}`}
                {one.next_attempt_at_unix_secs !== null && (
                  <>
                    {" "}
                    Next: <When at={one.next_attempt_at_unix_secs} />
                  </>
                )}
              </Text>
            </div>
            <Group gap="xs">
              <Badge
                variant="light"
                color={STATES[one.status].colour}
                tt="none"
                c="var(--mantine-color-text)"
              >
                {STATES[one.status].label}
              </Badge>
              <Text size="sm" c="dimmed">
                <When at={one.created_at_unix_secs} />
              </Text>
            </Group>
          </Group>
        </Paper>
      ))}
      <LoadMore list={list} />
      <Group>
        <Button component={Link} to="/webhooks" variant="default">
          All webhooks
        </Button>
      </Group>
    </Stack>
  );
}
