import { Button, Group, Menu, Modal, Text, Textarea } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconChevronDown, IconPhoneOff } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";

import { confirm } from "@/parts/notices";

import type { Controls } from "./useControls";

/** Ends the call: at once, or after words of farewell. */
export function EndMenu({ give }: { give: Controls["give"] }) {
  const [isOpen, { open, close }] = useDisclosure();
  const endNow = () =>
    confirm("End this conversation now?", "The caller is cut off. This cannot be undone.", "End it", () => {
      void give("end_call");
    });
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button
            variant="light"
            color="red"
            leftSection={<IconPhoneOff size={16} />}
            rightSection={<IconChevronDown size={14} />}
          >
            End
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={open}>Say goodbye, then end</Menu.Item>
          <Menu.Item color="red" onClick={endNow}>
            End now
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={isOpen} onClose={close} title="Say goodbye, then end">
        {isOpen && <Farewell give={give} close={close} />}
      </Modal>
    </>
  );
}

function Farewell({ give, close }: { give: Controls["give"]; close: () => void }) {
  const [text, setText] = useState("Thank you for calling. Goodbye!");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    close();
    void give("end_call", { farewell: text.trim() });
  };
  return (
    <form onSubmit={submit}>
      <Textarea
        label="Last words"
        description="The agent says them; the conversation ends when they have been heard."
        data-autofocus
        autosize
        minRows={2}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        required
      />
      <Group justify="space-between" mt="lg">
        <Text size="xs" c="dimmed">
          This cannot be undone.
        </Text>
        <Button type="submit" color="red" disabled={!text.trim()}>
          Say it and end
        </Button>
      </Group>
    </form>
  );
}
