import { Button, Group, Modal, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";

interface Props {
  isOpen: boolean;
  name: string;
  onName: (name: string) => void;
  onClose: () => void;
}

/** Asks once what the operator is called; the browser remembers it. */
export function NameModal({ isOpen, name, onName, onClose }: Props) {
  return (
    <Modal opened={isOpen} onClose={onClose} title="What are you called?">
      {isOpen && <Form name={name} onName={onName} />}
    </Modal>
  );
}

function Form({ name, onName }: Pick<Props, "name" | "onName">) {
  const [value, setValue] = useState(name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (value.trim()) onName(value);
  };
  return (
    <form onSubmit={submit}>
      <Text size="sm" c="dimmed" mb="md">
        Calls remember who did what in them, and other operators see who has a conversation. This browser
        remembers the name.
      </Text>
      <TextInput
        label="Your name"
        data-autofocus
        maxLength={200}
        value={value}
        onChange={(event) => setValue(event.currentTarget.value)}
        required
      />
      <Group justify="flex-end" mt="lg">
        <Button type="submit" disabled={!value.trim()}>
          Go on
        </Button>
      </Group>
    </form>
  );
}
