import { Button, Group, Modal, Select, Stack, Text } from "@mantine/core";
import { useState } from "react";

import { type ApiKey, isOwn, type MadeKey, useKeyActions } from "@/api/keys";
import { Failure } from "@/parts/Failure";

const OVERLAPS = [
  { value: "0", label: "not at all" },
  { value: "3600", label: "an hour" },
  { value: "86400", label: "a day" },
  { value: "604800", label: "7 days" },
  { value: "2592000", label: "30 days" },
];

interface Props {
  rotated: ApiKey;
  close: () => void;
  made: (made: MadeKey) => void;
}

/** A new key in place of one; both work for a while, so that nothing stops. */
export function RotateForm({ rotated, close, made }: Props) {
  const { rotate } = useKeyActions();
  const [overlap, setOverlap] = useState("86400");
  const send = () =>
    rotate.mutate({ key: rotated, graceSeconds: Number(overlap) }, { onSuccess: (answer) => made(answer) });
  return (
    <Modal opened onClose={close} title={`Rotate “${rotated.name}”`}>
      <Stack gap="md">
        <Text size="sm">
          A new key takes its place, with the same rights. Both work until the old one ends, so nothing stops
          while you carry the new one to where it is used.
          {isOwn(rotated) && " This page takes the new one at once."}
        </Text>
        <Select
          label="The old key goes on working for"
          data={OVERLAPS}
          value={overlap}
          onChange={(value) => value && setOverlap(value)}
          allowDeselect={false}
          data-autofocus
        />
        {rotate.error && <Failure error={rotate.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button onClick={send} loading={rotate.isPending}>
            Rotate
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
