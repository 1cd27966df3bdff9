import { Alert, Button, Checkbox, Group, Modal, Stack, Text } from "@mantine/core";
import { useState } from "react";

import { apiKey } from "@/api/client";
import { type MadeKey, useKeyActions } from "@/api/keys";
import { Command } from "@/parts/Command";
import { moment } from "@/parts/format";

interface Props {
  made: MadeKey;
  /** Until now the server asked for none. */
  isFirst: boolean;
  close: () => void;
}

/** A key that was just made: only now can it be copied. */
export function ShownOnce({ made, isFirst, close }: Props) {
  const { adopt } = useKeyActions();
  const [remember, setRemember] = useState(false);
  const isUsedHere = apiKey() === made.api_key;
  const finish = () => {
    if (isFirst && isUsedHere) adopt(made.api_key, remember);
    close();
  };
  return (
    <Modal
      opened
      onClose={finish}
      title={`The key “${made.name}”`}
      size="lg"
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
    >
      <Stack gap="md">
        <Text size="sm">
          Copy it now and keep it where you keep passwords: the server knows only what it looks like, and
          nobody can show it again.
        </Text>
        <Command text={made.api_key} label="Copy the key" />
        {made.expires_at_unix_secs !== null && (
          <Text size="sm" c="dimmed">
            It ends on {moment(made.expires_at_unix_secs)}.
          </Text>
        )}
        {isFirst && isUsedHere && (
          <Alert variant="default" title="This page uses it already">
            <Stack gap="sm">
              <Text size="sm">
                From now on this server asks for a key. Here it is set, until the browser is closed; apps and
                command lines need it too (PAROLA_API_KEY).
              </Text>
              <Checkbox
                label="Remember it in this browser"
                checked={remember}
                onChange={(event) => setRemember(event.currentTarget.checked)}
              />
            </Stack>
          </Alert>
        )}
        {!isFirst && isUsedHere && (
          <Text size="sm" c="dimmed">
            This page used the old key, and uses the new one already.
          </Text>
        )}
        <Group justify="flex-end">
          <Button onClick={finish}>I have kept it</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
