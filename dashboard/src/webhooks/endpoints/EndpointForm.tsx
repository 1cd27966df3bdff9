import { Button, Checkbox, Group, Modal, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";

import { type Endpoint, useWebhookActions, type WebhookSettings } from "@/api/webhooks";
import { done, failed } from "@/parts/notices";

import { headerLines, readHeaders } from "./headers";
import { EVENT_NAMES, EVENTS, telling, told } from "./wiring";

interface Props {
  settings: WebhookSettings;
  /** The endpoint to be changed; without one a new one is made. */
  endpoint?: Endpoint;
  close: () => void;
  created?: (secret: string) => void;
}

/** Where messages go, with which headers, and what is told there. */
export function EndpointForm({ settings, endpoint, close, created }: Props) {
  const actions = useWebhookActions();
  const before = endpoint ? told(settings, endpoint.webhook_id) : [];
  const [name, setName] = useState(endpoint?.name ?? "");
  const [url, setUrl] = useState(endpoint?.webhook_url ?? "");
  const [events, setEvents] = useState(endpoint ? before : ["transcript"]);
  const [lines, setLines] = useState(headerLines(endpoint?.request_headers ?? null));
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const { headers, problem } = readHeaders(lines);
  const urlProblem = url && !/^https?:\/\/./.test(url) ? "It begins with https:// or http://" : undefined;

  const save = async () => {
    if (!endpoint) {
      const made = await actions.create.mutateAsync({
        name: name.trim(),
        webhook_url: url.trim(),
        request_headers: headers,
      });
      // The secret is shown this once: a failure from here on must not take it away.
      created?.(made.webhook_secret);
      if (!events.length) return;
      await actions.tell
        .mutateAsync((now) => telling(now, made.webhook_id, events))
        .catch((refused: unknown) => failed(refused, "It is told nothing yet"));
      return;
    }
    const { webhook_id, is_disabled } = endpoint;
    await actions.update.mutateAsync({
      webhook_id,
      is_disabled,
      name: name.trim(),
      webhook_url: url.trim(),
      request_headers: headers,
    });
    if ([...events].sort().join() !== [...before].sort().join()) {
      await actions.tell.mutateAsync((now) => telling(now, webhook_id, events));
    }
    done("The endpoint is saved.");
    close();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    save()
      .catch((refused: unknown) => setError(refused instanceof Error ? refused.message : String(refused)))
      .finally(() => setBusy(false));
  };
  return (
    <Modal opened onClose={close} title={endpoint ? "Edit the endpoint" : "New endpoint"} size="lg">
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label="Name"
            placeholder="CRM"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            data-autofocus
            required
          />
          <TextInput
            label="URL"
            description="It is sent a POST for each event. On this machine: http://127.0.0.1:8500/ with “parola webhooks listen”."
            placeholder="https://example.com/hooks/parola"
            value={url}
            onChange={(event) => setUrl(event.currentTarget.value)}
            error={urlProblem}
            inputMode="url"
            required
          />
          <Checkbox.Group
            label="Events"
            description="For all agents. Without any, only agents that name this endpoint themselves send to it."
            value={events}
            onChange={setEvents}
          >
            <Stack gap="xs" mt="xs">
              {EVENT_NAMES.map((event) => (
                <Checkbox
                  key={event}
                  value={event}
                  label={EVENTS[event].label}
                  description={EVENTS[event].help}
                />
              ))}
            </Stack>
          </Checkbox.Group>
          <Textarea
            label="Headers"
            description={'One a line, as “Name: value”. A secret stands as {"secret_id": "…"}.'}
            placeholder="X-Tenant: trattoria"
            value={lines}
            onChange={(event) => setLines(event.currentTarget.value)}
            error={problem}
            styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
            autosize
            minRows={2}
            maxRows={8}
          />
          {error && (
            <Text size="sm" c="var(--mantine-color-error)" role="alert">
              {error}
            </Text>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button
              type="submit"
              loading={isBusy}
              disabled={!name.trim() || !url.trim() || Boolean(urlProblem) || Boolean(problem)}
            >
              {endpoint ? "Save" : "Create"}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
