import { Alert, Anchor, Badge, Button, Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { IconBulb, IconRefresh } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link, useParams } from "react-router";

import {
  type DeliveryDetails,
  type Endpoint,
  useDelivery,
  useEndpoints,
  useWebhookActions,
} from "@/api/webhooks";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";
import { done, failed } from "@/parts/notices";
import { Page } from "@/parts/Page";
import { When } from "@/parts/When";

import { Attempts } from "./Attempts";
import { soon } from "./soon";
import { deliveryWords } from "./reasons";
import { Sent } from "./Sent";
import { STATES, TYPES } from "./types";

const TRAIL = [
  { label: "Webhooks", to: "/webhooks" },
  { label: "Deliveries", to: "/webhooks/deliveries" },
];

/** `/webhooks/deliveries/:id`: one message, each attempt to deliver it, and what was sent. */
export default function DeliveryPage() {
  const { deliveryId = "" } = useParams();
  const { data, error, refetch } = useDelivery(deliveryId);
  const endpoints = useEndpoints();
  const title = data ? (TYPES[data.type] ?? data.type) : "Delivery";
  const endpoint = endpoints.data?.find((one) => one.webhook_id === data?.webhook_id);
  return (
    <Page
      title={title}
      trail={TRAIL}
      lead={data && <Lead delivery={data} />}
      actions={data && <Resend delivery={data} />}
    >
      {error ? (
        <Failure error={error} retry={() => void refetch()} />
      ) : !data ? (
        <Loading rows={4} height={90} />
      ) : (
        <Stack gap="lg">
          <Why delivery={data} />
          <Facts delivery={data} endpoint={endpoint} />
          <Attempts delivery={data} />
          <Sent delivery={data} endpoint={endpoint} />
        </Stack>
      )}
    </Page>
  );
}

function Lead({ delivery }: { delivery: DeliveryDetails }) {
  const { label, colour } = STATES[delivery.status];
  return (
    <Group gap="xs">
      <Badge variant="light" color={colour}>
        {label}
      </Badge>
      <span>
        made <When at={delivery.created_at_unix_secs} span />
      </span>
    </Group>
  );
}

/** Send it again, where the server does that. */
function Resend({ delivery }: { delivery: DeliveryDetails }) {
  const { replay } = useWebhookActions();
  const { status, webhook_id, conversation_id } = delivery;
  if (status === "held" || status === "waiting" || !conversation_id || !webhook_id) return null;
  return (
    <Button
      leftSection={<IconRefresh size={16} />}
      loading={replay.isPending}
      onClick={() =>
        replay.mutate(delivery.delivery_id, {
          onSuccess: () => done("It goes out again, under the same event id."),
          onError: (error) => failed(error, "It is not sent"),
        })
      }
    >
      {status === "skipped" ? "Send it after all" : "Resend"}
    </Button>
  );
}

function Why({ delivery }: { delivery: DeliveryDetails }) {
  const { text, advice } = deliveryWords(delivery);
  const isGood = delivery.status === "delivered";
  const colour = isGood
    ? "teal"
    : delivery.status === "dead"
      ? "red"
      : delivery.status === "waiting"
        ? "blue"
        : "gray";
  return (
    <Alert color={colour} icon={isGood ? undefined : <IconBulb />} title={text}>
      {delivery.next_attempt_at_unix_secs !== null && delivery.attempt_count > 0 && (
        <Text size="sm">
          Next attempt {soon(delivery.next_attempt_at_unix_secs)}; it is tried for 72 hours.
        </Text>
      )}
      {advice && <Text size="sm">{advice}</Text>}
    </Alert>
  );
}

function Facts({ delivery, endpoint }: { delivery: DeliveryDetails; endpoint: Endpoint | undefined }) {
  const { conversation_id, agent_id, webhook_id } = delivery;
  const agent = agent_id ? (
    <Anchor component={Link} underline="always" to={`/agents/${agent_id}`} inherit>
      {agent_id}
    </Anchor>
  ) : (
    "–"
  );
  return (
    <Paper p="lg">
      <Title order={2} fz="md" mb="sm">
        What it is about
      </Title>
      <SimpleGrid cols={{ base: 1, sm: 2 }} component="dl" m={0} spacing="md">
        <Fact name="Conversation">
          {conversation_id ? (
            <Anchor component={Link} underline="always" to={`/conversations/${conversation_id}`} inherit>
              {conversation_id}
            </Anchor>
          ) : delivery.reason === "test" || !agent_id ? (
            "None: it is a test"
          ) : (
            "None"
          )}
        </Fact>
        <Fact name="Agent">{agent}</Fact>
        <Fact name="Endpoint">
          {endpoint ? (
            <>
              {endpoint.name}
              <Text size="xs" c="dimmed" ff="monospace" style={{ overflowWrap: "anywhere" }}>
                {endpoint.webhook_url}
              </Text>
            </>
          ) : (
            (webhook_id ?? "None")
          )}
        </Fact>
        <Fact name="Event id, the same at every attempt">
          <Text ff="monospace" size="sm" style={{ overflowWrap: "anywhere" }}>
            {delivery.event_id}
          </Text>
        </Fact>
      </SimpleGrid>
    </Paper>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div style={{ minWidth: 0 }}>
      <Text component="dt" size="sm" c="dimmed">
        {name}
      </Text>
      <Text component="dd" size="sm" m={0} style={{ overflowWrap: "anywhere" }}>
        {children}
      </Text>
    </div>
  );
}
