import { ActionIcon, Alert, Badge, Button, Group, Menu, Paper, Text, Title } from "@mantine/core";
import {
  IconAlertTriangle,
  IconDots,
  IconEdit,
  IconKey,
  IconListDetails,
  IconPlayerPause,
  IconPlayerPlay,
  IconSend,
  IconTrash,
} from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { Link } from "react-router";

import { type Endpoint, useWebhookActions, type WebhookSettings } from "@/api/webhooks";
import { counted } from "@/parts/format";
import { confirm, done, failed } from "@/parts/notices";
import { When } from "@/parts/When";

import { soon } from "../deliveries/soon";
import { reasonWords } from "../deliveries/reasons";
import { EVENTS, telling, told } from "./wiring";

const EndpointForm = lazy(async () => ({ default: (await import("./EndpointForm")).EndpointForm }));
const RotateSecret = lazy(async () => ({ default: (await import("./RotateSecret")).RotateSecret }));
const SendTest = lazy(async () => ({ default: (await import("./SendTest")).SendTest }));

interface Props {
  endpoint: Endpoint;
  settings: WebhookSettings;
  showSecret: (secret: string) => void;
}

const label = (event: string) => (event in EVENTS ? EVENTS[event as keyof typeof EVENTS].label : event);

/** One endpoint: where it is, what it is told, whether it answers. */
export function EndpointCard({ endpoint, settings, showSecret }: Props) {
  const [open, setOpen] = useState<"edit" | "test" | "rotate" | null>(null);
  const events = told(settings, endpoint.webhook_id);
  const byAgents = (endpoint.usage ?? []).some((one) => one.usage_type === "ConvAI Agent Settings");
  const close = () => setOpen(null);
  return (
    <Paper p="lg" component="section" aria-label={endpoint.name}>
      <Group justify="space-between" align="flex-start" wrap="nowrap" gap="sm">
        <div style={{ minWidth: 0 }}>
          <Group gap="xs">
            <Title order={2} fz="md" style={{ overflowWrap: "anywhere" }}>
              {endpoint.name}
            </Title>
            <State endpoint={endpoint} />
          </Group>
          <Text size="sm" c="dimmed" ff="monospace" mt={2} style={{ overflowWrap: "anywhere" }}>
            {endpoint.webhook_url}
          </Text>
        </div>
        <Actions endpoint={endpoint} settings={settings} open={setOpen} isNamedByAgents={byAgents} />
      </Group>
      <Group gap={6} mt="sm">
        {events.map((event) => (
          <Badge key={event} variant="light" fw={500}>
            {label(event)}
          </Badge>
        ))}
        {byAgents && (
          <Badge variant="light" color="gray" fw={500}>
            Named by agents
          </Badge>
        )}
        {!events.length && !byAgents && (
          <Text size="sm" c="dimmed">
            It is told nothing yet: edit it and choose its events.
          </Text>
        )}
      </Group>
      <Health endpoint={endpoint} />
      <Suspense>
        {open === "edit" && <EndpointForm endpoint={endpoint} settings={settings} close={close} />}
        {open === "test" && <SendTest endpoint={endpoint} close={close} />}
        {open === "rotate" && <RotateSecret endpoint={endpoint} close={close} showSecret={showSecret} />}
      </Suspense>
    </Paper>
  );
}

const DAY = 86_400;

const isRecent = (at: number | null) => at !== null && Date.now() / 1000 - at < DAY;

function State({ endpoint }: { endpoint: Endpoint }) {
  const [text, colour] = endpoint.is_disabled
    ? ["Switched off", "gray"]
    : endpoint.x_circuit.state !== "closed"
      ? ["Left alone after failures", "red"]
      : endpoint.x_circuit.failures > 0
        ? ["Failing", "orange"]
        : isRecent(endpoint.most_recent_failure_timestamp)
          ? ["Failed today", "orange"]
          : ["No failures", "teal"];
  return (
    <Badge variant="light" color={colour}>
      {text}
    </Badge>
  );
}

/** What went wrong last, and what happens next. */
function Health({ endpoint }: { endpoint: Endpoint }) {
  const { enable } = useWebhookActions();
  const { x_circuit: circuit, most_recent_failure_timestamp: failedAt } = endpoint;
  const isOpen = circuit.state !== "closed";
  if (endpoint.is_disabled || failedAt === null) return null;
  const { text, advice } = reasonWords(endpoint.x_most_recent_failure_reason ?? "");
  const failure = (
    <>
      The last failure, <When at={failedAt} span />: {text} {advice}
    </>
  );
  if (!isOpen) {
    return (
      <Text size="sm" c="dimmed" mt="sm">
        {failure}
      </Text>
    );
  }
  return (
    <Alert
      color="red"
      icon={<IconAlertTriangle />}
      mt="md"
      title={`${counted(circuit.failures, "failure")} in a row`}
    >
      <Text size="sm">
        {failure} Messages wait; one is tried {soon(circuit.probe_at_unix_secs ?? 0)}, and all of them go out
        when it arrives.
      </Text>
      <Button
        size="xs"
        mt="sm"
        loading={enable.isPending}
        onClick={() =>
          enable.mutate(endpoint.webhook_id, {
            onSuccess: () => done("What waits for this endpoint goes out now."),
            onError: (error) => failed(error),
          })
        }
      >
        It works again: send what waits
      </Button>
    </Alert>
  );
}

interface ActionsProps {
  endpoint: Endpoint;
  settings: WebhookSettings;
  isNamedByAgents: boolean;
  open: (what: "edit" | "test" | "rotate") => void;
}

function Actions({ endpoint, settings, isNamedByAgents, open }: ActionsProps) {
  const { update, enable, remove, tell } = useWebhookActions();
  const { webhook_id, name, is_disabled } = endpoint;
  const onError = (error: Error) => failed(error);
  const switchOff = () =>
    update.mutate(
      { webhook_id, name, is_disabled: true },
      { onSuccess: () => done("The endpoint is switched off. What waits for it goes on waiting."), onError },
    );
  const switchOn = () =>
    enable.mutate(webhook_id, { onSuccess: () => done("The endpoint is switched on."), onError });
  const erase = async () => {
    // What an agent names the server keeps: then nothing is untied either.
    if (!isNamedByAgents && told(settings, webhook_id).length) {
      await tell.mutateAsync((now) => telling(now, webhook_id, []));
    }
    await remove.mutateAsync(webhook_id);
    done("The endpoint is deleted.");
  };
  return (
    <Group gap={6} wrap="nowrap">
      <Button
        size="xs"
        variant="default"
        leftSection={<IconSend size={14} />}
        onClick={() => open("test")}
        visibleFrom="xs"
      >
        Send test
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={30} aria-label={`More for ${name}`}>
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconSend size={16} />} onClick={() => open("test")}>
            Send test
          </Menu.Item>
          <Menu.Item
            leftSection={<IconListDetails size={16} />}
            component={Link}
            to={`/webhooks/deliveries?webhook_id=${encodeURIComponent(webhook_id)}`}
          >
            Its deliveries
          </Menu.Item>
          <Menu.Item leftSection={<IconEdit size={16} />} onClick={() => open("edit")}>
            Edit
          </Menu.Item>
          <Menu.Item leftSection={<IconKey size={16} />} onClick={() => open("rotate")}>
            New secret
          </Menu.Item>
          {is_disabled ? (
            <Menu.Item leftSection={<IconPlayerPlay size={16} />} onClick={switchOn}>
              Switch on
            </Menu.Item>
          ) : (
            <Menu.Item leftSection={<IconPlayerPause size={16} />} onClick={switchOff}>
              Switch off
            </Menu.Item>
          )}
          <Menu.Divider />
          <Menu.Item
            color="red"
            leftSection={<IconTrash size={16} />}
            onClick={() =>
              confirm(
                `Delete ${name}?`,
                "What waits for it is given up. What was delivered stays in the log.",
                "Delete",
                () => void erase().catch((error: unknown) => failed(error, "The endpoint stays")),
              )
            }
          >
            Delete
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
