import {
  ActionIcon,
  Anchor,
  Code,
  CopyButton,
  Group,
  Paper,
  SegmentedControl,
  Table,
  Text,
  Title,
  Tooltip,
} from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "react-router";

import type { DeliveryDetails, Endpoint } from "@/api/webhooks";
import { bytes } from "@/parts/format";
import rows from "@/parts/Rows.module.css";

import { sentHeaders } from "./sentHeaders";

const SCROLLED = { whiteSpace: "pre-wrap", overflow: "auto", overflowWrap: "anywhere" } as const;

/** The message as it was sent: its headers explained, its body to the byte. */
export function Sent({ delivery, endpoint }: { delivery: DeliveryDetails; endpoint: Endpoint | undefined }) {
  const headers = sentHeaders(delivery, endpoint?.request_headers ?? null);
  return (
    <Paper p="lg" component="section" aria-label="What was sent">
      <Title order={2} fz="md" mb={4}>
        {delivery.attempts.length ? "What was sent" : "What would be sent"}
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        A POST{endpoint ? ` to ${endpoint.webhook_url}` : ""}.{" "}
        <Anchor component={Link} underline="always" to="/webhooks/verify" inherit>
          How to verify it in your code
        </Anchor>
      </Text>
      <Table
        className={rows.table}
        horizontalSpacing={0}
        aria-label="Headers"
        highlightOnHover={false}
        verticalSpacing={8}
      >
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Header</Table.Th>
            <Table.Th>Value</Table.Th>
            <Table.Th>What it says</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {headers.map(({ name, value, means }) => (
            <Table.Tr key={name} className={rows.row} style={{ paddingInline: 0 }}>
              <Table.Td pr="md">
                <Text ff="monospace" size="xs" fw={600}>
                  {name}
                </Text>
              </Table.Td>
              <Table.Td data-label="Value" pr="md" style={{ overflowWrap: "anywhere" }}>
                <Text ff="monospace" size="xs" span>
                  {value}
                </Text>
              </Table.Td>
              <Table.Td data-label="What it says">
                <Text size="xs" c="dimmed" span>
                  {means}
                </Text>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Body delivery={delivery} />
    </Paper>
  );
}

function Body({ delivery: { body, type, status } }: { delivery: DeliveryDetails }) {
  const [form, setForm] = useState("readable");
  if (body === null) {
    return (
      <Text size="sm" c="dimmed" mt="md">
        {type === "post_call_audio"
          ? "The recording goes out in pieces and is not kept a second time: it is in the conversation."
          : status === "skipped"
            ? "No message was made."
            : "The message is made when it is sent, or your key may not read conversations."}
      </Text>
    );
  }
  const shown = form === "readable" ? readable(body) : body;
  return (
    <>
      <Group justify="space-between" mt="lg" mb="xs" gap="xs">
        <Group gap="xs">
          <Title order={3} fz="sm">
            Body
          </Title>
          <Text size="sm" c="dimmed" className="numbers">
            {bytes(new TextEncoder().encode(body).length)}
          </Text>
        </Group>
        <Group gap="xs">
          <SegmentedControl
            size="xs"
            aria-label="How the body is shown"
            data={[
              { value: "readable", label: "Readable" },
              { value: "sent", label: "As sent" },
            ]}
            value={form}
            onChange={setForm}
          />
          <CopyButton value={body}>
            {({ copied, copy }) => (
              <Tooltip label={copied ? "Copied" : "Copy as sent"}>
                <ActionIcon variant="default" onClick={copy} aria-label={copied ? "Copied" : "Copy as sent"}>
                  {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
                </ActionIcon>
              </Tooltip>
            )}
          </CopyButton>
        </Group>
      </Group>
      {form === "sent" && (
        <Text size="sm" c="dimmed" mb="xs">
          The signature covers these bytes: verify before you parse, and do not write the JSON anew.
        </Text>
      )}
      <Code block fz="xs" mah={520} tabIndex={0} aria-label="The body" role="region" style={SCROLLED}>
        {shown}
      </Code>
    </>
  );
}

function readable(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
