import { Anchor, Button, Checkbox, Group, Modal, Paper, Stack, Text } from "@mantine/core";
import { IconCircleCheck, IconCircleX } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "react-router";

import { type DeliveryDetails, type Endpoint, useWebhookActions } from "@/api/webhooks";
import { filled } from "@/parts/colours";
import { Failure } from "@/parts/Failure";
import { span } from "@/parts/format";

import { reasonWords } from "../deliveries/reasons";
import { TYPES } from "../deliveries/types";

const SAMPLES = [
  "post_call_transcription",
  "post_call_audio",
  "call_initiation_failure",
  "post_call_transcription_otel",
];

/** Send samples to an endpoint now, and see what it answers. */
export function SendTest({ endpoint, close }: { endpoint: Endpoint; close: () => void }) {
  const { test } = useWebhookActions();
  const [types, setTypes] = useState(["post_call_transcription"]);
  return (
    <Modal opened onClose={close} title={`Send a test to ${endpoint.name}`} size="lg">
      <Stack>
        <Text size="sm">
          A made-up message of each kind, signed like a real one, sent once and now. It goes out even while
          the endpoint is switched off.
        </Text>
        <Checkbox.Group label="What to send" value={types} onChange={setTypes}>
          <Stack gap={6} mt={6}>
            {SAMPLES.map((type) => (
              <Checkbox key={type} value={type} label={TYPES[type] ?? type} />
            ))}
          </Stack>
        </Checkbox.Group>
        {test.error && <Failure error={test.error} />}
        <div role="status">
          {test.data?.deliveries.map((one) => (
            <Result key={one.delivery_id} delivery={one} />
          ))}
        </div>
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Close
          </Button>
          <Button
            loading={test.isPending}
            disabled={!types.length}
            onClick={() => test.mutate({ id: endpoint.webhook_id, types })}
          >
            {test.data ? "Send again" : "Send"}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Result({ delivery }: { delivery: DeliveryDetails }) {
  const attempt = delivery.attempts.at(-1);
  if (!attempt) return null;
  const isGood = attempt.reason === "ok";
  const { text, advice } = reasonWords(attempt.reason);
  return (
    <Paper p="sm" mb="xs">
      <Group gap="xs" wrap="nowrap" align="flex-start">
        {isGood ? (
          <IconCircleCheck size={20} color={filled("teal")} aria-hidden style={{ flex: "none" }} />
        ) : (
          <IconCircleX size={20} color={filled("red")} aria-hidden style={{ flex: "none" }} />
        )}
        <div style={{ minWidth: 0 }}>
          <Text size="sm" fw={600}>
            {TYPES[delivery.type] ?? delivery.type}
          </Text>
          <Text size="sm" className="numbers">
            {isGood && attempt.status_code ? `It answered ${attempt.status_code}` : text.replace(/\.$/, "")}{" "}
            after {span(attempt.seconds)}. {!isGood && advice}
          </Text>
          {attempt.answer && (
            <Text size="xs" ff="monospace" c="dimmed" lineClamp={3} style={{ overflowWrap: "anywhere" }}>
              {attempt.answer}
            </Text>
          )}
          <Anchor
            component={Link}
            underline="always"
            to={`/webhooks/deliveries/${delivery.delivery_id}`}
            size="sm"
          >
            What was sent
          </Anchor>
        </div>
      </Group>
    </Paper>
  );
}
