import { Button, Group, Modal, Select, Stack, Text } from "@mantine/core";
import { useState } from "react";

import { type Endpoint, useWebhookActions } from "@/api/webhooks";
import { failed } from "@/parts/notices";

const OVERLAPS = [
  { value: "0", label: "Not at all: the old one may be known to others" },
  { value: "3600", label: "One hour" },
  { value: "86400", label: "One day" },
  { value: "604800", label: "One week" },
];

interface Props {
  endpoint: Endpoint;
  close: () => void;
  showSecret: (secret: string) => void;
}

/** Give an endpoint a new secret. */
export function RotateSecret({ endpoint, close, showSecret }: Props) {
  const { rotate } = useWebhookActions();
  const [overlap, setOverlap] = useState("86400");
  const act = () =>
    rotate.mutate(
      { id: endpoint.webhook_id, overlapSecs: Number(overlap) },
      {
        onSuccess: ({ webhook_secret }) => {
          close();
          showSecret(webhook_secret);
        },
        onError: (error) => failed(error, "The secret is still the old one"),
      },
    );
  return (
    <Modal opened onClose={close} title={`A new secret for ${endpoint.name}`}>
      <Stack>
        <Text size="sm">
          Messages are signed with the new secret at once. For a while they carry a signature with the old one
          too, in <code>ElevenLabs-Signature-Previous</code>, so that your code can change over.
        </Text>
        <Select
          label="How long the old secret stays valid"
          data={OVERLAPS}
          value={overlap}
          onChange={(value) => setOverlap(value ?? "86400")}
          allowDeselect={false}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button onClick={act} loading={rotate.isPending}>
            Make a new secret
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
