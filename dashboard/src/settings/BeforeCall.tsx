import { Checkbox, Group, NumberInput, Select, Stack, TextInput } from "@mantine/core";
import { useState } from "react";

import { type PreCallWebhook, useChangeWorkspace } from "@/api/server";
import { Block } from "@/parts/Block";
import { Failure } from "@/parts/Failure";
import { done } from "@/parts/notices";

import { SaveRow } from "./SaveRow";

const CHANNELS = [
  { value: "phone", label: "Phone calls" },
  { value: "web", label: "Calls and chats from apps and pages" },
];

const EMPTY: PreCallWebhook = { url: "" };

/** The service that is asked before a call begins: who is it, and how should the agent be. */
export function BeforeCall({ webhook }: { webhook: PreCallWebhook | null }) {
  const change = useChangeWorkspace();
  const kept = webhook ?? EMPTY;
  const [drafted, setDrafted] = useState<PreCallWebhook | null>(null);
  const shown = drafted ?? kept;
  const edit = (some: Partial<PreCallWebhook>) => setDrafted({ ...shown, ...some });
  const isChanged = JSON.stringify(shown) !== JSON.stringify(kept);
  const save = () =>
    change.mutate(
      { conversation_initiation_client_data_webhook: shown.url.trim() ? shown : null },
      {
        onSuccess: () => {
          setDrafted(null);
          done(shown.url.trim() ? "Saved: it is asked before the next call." : "Nobody is asked any more.");
        },
      },
    );
  return (
    <Block
      title="Before a call"
      lead="A service of yours that is asked before a conversation begins. It answers with variables and settings for this caller. For agents that allow it."
    >
      <TextInput
        label="Address"
        description="Leave it empty to ask nobody."
        placeholder="https://example.com/who-calls"
        type="url"
        value={shown.url}
        onChange={(event) => edit({ url: event.currentTarget.value })}
      />
      {shown.url && (
        <>
          <Checkbox.Group
            label="For which conversations"
            value={shown.x_channels ?? ["phone"]}
            onChange={(x_channels) => edit({ x_channels })}
          >
            <Stack gap="xs" mt={6}>
              {CHANNELS.map(({ value, label }) => (
                <Checkbox key={value} value={value} label={label} />
              ))}
            </Stack>
          </Checkbox.Group>
          <Group gap="sm" align="flex-start">
            <NumberInput
              label="It may take"
              suffix=" s"
              min={0.1}
              max={30}
              step={1}
              value={shown.x_timeout_secs ?? 5}
              onChange={(value) => typeof value === "number" && edit({ x_timeout_secs: value })}
              w={140}
            />
            <Select
              label="When it does not answer"
              data={[
                { value: "proceed", label: "Begin without it" },
                { value: "reject", label: "Refuse the call" },
              ]}
              value={shown.x_on_failure ?? "proceed"}
              onChange={(value) => value && edit({ x_on_failure: value as "proceed" | "reject" })}
              allowDeselect={false}
              w={220}
            />
          </Group>
        </>
      )}
      {change.error && <Failure error={change.error} />}
      <SaveRow isChanged={isChanged} isSaving={change.isPending} save={save} undo={() => setDrafted(null)} />
    </Block>
  );
}
