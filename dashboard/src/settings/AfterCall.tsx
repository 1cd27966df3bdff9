import { Anchor, Checkbox, Select, Stack, Switch } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";

import { type SettingsWebhooks, useChangeWorkspace, useWebhookChoices, WEBHOOK_EVENTS } from "@/api/server";
import { Block } from "@/parts/Block";
import { Failure } from "@/parts/Failure";
import { done } from "@/parts/notices";

import { SaveRow } from "./SaveRow";

const EVENT_NAMES: Record<string, { label: string; text: string }> = {
  transcript: { label: "Transcript", text: "The record of the call, once it has been analysed." },
  audio: { label: "Recording", text: "The sound of a call that was recorded, as MP3." },
  call_initiation_failure: {
    label: "Calls that did not begin",
    text: "A conversation was refused before it began, and why.",
  },
  unredacted_transcript: {
    label: "Transcript, unredacted",
    text: "Where the record is redacted: as it was said.",
  },
};

/** The endpoint that is told of every call that has ended. */
export function AfterCall({ settings }: { settings: SettingsWebhooks }) {
  const endpoints = useWebhookChoices();
  const change = useChangeWorkspace();
  const [drafted, setDrafted] = useState<Partial<SettingsWebhooks>>({});
  const shown = { ...settings, ...drafted };
  const edit = (some: Partial<SettingsWebhooks>) => setDrafted((before) => ({ ...before, ...some }));
  const isChanged = Object.entries(drafted).some(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(settings[name as keyof SettingsWebhooks]),
  );
  const save = () =>
    change.mutate(
      { webhooks: drafted },
      {
        onSuccess: () => {
          setDrafted({});
          done("Saved: it holds for calls that end from now on.");
        },
      },
    );
  const known = endpoints.data ?? [];
  return (
    <Block
      title="After a call"
      lead={
        <>
          One endpoint is told of the calls of all agents; an agent may name another.{" "}
          <Anchor component={Link} to="/webhooks" inherit underline="always">
            Endpoints and deliveries
          </Anchor>
        </>
      }
    >
      <Select
        label="Endpoint"
        placeholder="None"
        description={
          endpoints.data?.length === 0
            ? "There is no endpoint yet: make one on the page of webhooks."
            : undefined
        }
        data={known.map((one) => ({ value: one.webhook_id, label: `${one.name} (${one.webhook_url})` }))}
        value={shown.post_call_webhook_id}
        onChange={(value) => edit({ post_call_webhook_id: value })}
        disabled={!known.length}
        clearable
        clearButtonProps={{ "aria-label": "None" }}
      />
      <Checkbox.Group label="What it is sent" value={shown.events} onChange={(events) => edit({ events })}>
        <Stack gap="xs" mt={6}>
          {WEBHOOK_EVENTS.map((value) => (
            <Checkbox
              key={value}
              value={value}
              label={EVENT_NAMES[value]?.label}
              description={EVENT_NAMES[value]?.text}
            />
          ))}
        </Stack>
      </Checkbox.Group>
      <Select
        label="Form of transcripts"
        data={[
          { value: "json", label: "The record, as JSON" },
          { value: "opentelemetry", label: "Spans of OpenTelemetry" },
        ]}
        value={shown.transcript_format}
        onChange={(value) => value && edit({ transcript_format: value as "json" | "opentelemetry" })}
        allowDeselect={false}
        maw={320}
      />
      <Switch
        label="Leave out what was said"
        description="The record is sent without its turns."
        checked={shown.exclude_transcript}
        onChange={(event) => edit({ exclude_transcript: event.currentTarget.checked })}
      />
      {change.error && <Failure error={change.error} />}
      <SaveRow isChanged={isChanged} isSaving={change.isPending} save={save} undo={() => setDrafted({})} />
    </Block>
  );
}
