import { Button, Modal, Stack, Text } from "@mantine/core";

import { Command } from "@/parts/Command";

/** The secret of an endpoint, shown this once. */
export function SecretOnce({ secret, close }: { secret: string; close: () => void }) {
  return (
    <Modal opened onClose={close} title="The secret of this endpoint" size="lg" closeOnClickOutside={false}>
      <Stack>
        <Text size="sm">
          Your code verifies with it that a message came from this server. Copy it now: it is shown this once.
        </Text>
        <Command text={secret} label="Copy the secret" />
        <Text size="sm">To see messages arrive on this machine:</Text>
        <Command text={`parola webhooks listen --secret ${secret}`} label="Copy the command" />
        <Button onClick={close} style={{ alignSelf: "flex-end" }}>
          I have copied it
        </Button>
      </Stack>
    </Modal>
  );
}
