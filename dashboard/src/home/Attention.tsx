import { Anchor, Stack, Text, ThemeIcon, Group } from "@mantine/core";
import { IconAlertTriangle, IconCheck, IconHandStop, IconWebhook } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link } from "react-router";

import type { Overview } from "@/api/overview";
import { counted, span } from "@/parts/format";

import { Panel } from "./Panel";

interface Note {
  id: string;
  icon: typeof IconWebhook;
  colour: string;
  text: ReactNode;
}

/** What somebody should look at: callers who wait for a person, webhooks that do not arrive, models that stood in. */
export function Attention({ overview }: { overview: Overview }) {
  const notes = found(overview);
  return (
    <Panel title="Needs a look">
      <Stack gap="sm">
        {notes.map(({ id, icon: Symbol, colour, text }) => (
          <Group key={id} gap="sm" wrap="nowrap" align="flex-start">
            <ThemeIcon variant="light" color={colour} size="md" radius="xl">
              <Symbol size={16} />
            </ThemeIcon>
            <Text size="sm" pt={3} style={{ overflowWrap: "anywhere" }} component="div">
              {text}
            </Text>
          </Group>
        ))}
        {notes.length === 0 && (
          <Group gap="sm" wrap="nowrap" align="flex-start">
            <ThemeIcon variant="light" color="teal" size="md" radius="xl">
              <IconCheck size={16} />
            </ThemeIcon>
            <Text size="sm">Nothing: no caller waits, no webhook is late, no model had to stand in.</Text>
          </Group>
        )}
        <Text size="sm" c="dimmed">
          {webhookSentence(overview)}
        </Text>
      </Stack>
    </Panel>
  );
}

function found({ waiting_for_human, webhooks, warnings }: Overview): Note[] {
  const notes: Note[] = [];
  if (waiting_for_human > 0) {
    notes.push({
      id: "waiting",
      icon: IconHandStop,
      colour: "orange",
      text: (
        <>
          {counted(waiting_for_human, "caller")} waiting for a person.{" "}
          <Anchor component={Link} to="/live" inherit underline="always">
            Take over
          </Anchor>
        </>
      ),
    });
  }
  if (webhooks.disabled > 0 || (webhooks.oldest_waiting_secs ?? 0) > 60) {
    const parts = [
      webhooks.disabled > 0 && `${counted(webhooks.disabled, "endpoint")} switched off`,
      webhooks.waiting > 0 && `${counted(webhooks.waiting, "delivery", "deliveries")} waiting`,
      webhooks.oldest_waiting_secs && `the oldest for ${span(webhooks.oldest_waiting_secs)}`,
    ];
    notes.push({
      id: "webhooks",
      icon: IconWebhook,
      colour: "red",
      text: (
        <>
          Webhooks: {parts.filter(Boolean).join(", ")}.{" "}
          <Anchor component={Link} to="/webhooks" inherit underline="always">
            See why
          </Anchor>
        </>
      ),
    });
  }
  for (const warning of warnings.slice(0, 5)) {
    notes.push({
      id: warning.message,
      icon: IconAlertTriangle,
      colour: "yellow",
      text: (
        <>
          {warning.message} ({counted(warning.count, "conversation")}){" "}
          <Anchor
            component={Link}
            to={`/conversations/${warning.last_conversation_id}`}
            inherit
            underline="always"
          >
            The last one
          </Anchor>
        </>
      ),
    });
  }
  return notes;
}

function webhookSentence({ webhooks }: Overview): string {
  if (webhooks.endpoints === 0) return "No webhook endpoint is set up.";
  const failed = webhooks.failed ? `, ${webhooks.failed.toLocaleString("en")} given up` : "";
  return `${counted(webhooks.endpoints, "webhook endpoint")}: ${counted(webhooks.delivered, "delivery", "deliveries")} arrived${failed}.`;
}
