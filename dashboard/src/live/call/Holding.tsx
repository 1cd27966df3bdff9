import { Alert, Button, Group, Menu, Text } from "@mantine/core";
import {
  IconArrowBackUp,
  IconChevronDown,
  IconHandStop,
  IconKeyboard,
  IconMicrophone,
  IconUserShield,
} from "@tabler/icons-react";

import { Since } from "../clock";
import type { Feed } from "./feed";
import type { Controls } from "./useControls";

interface Props {
  feed: Feed;
  operator: string;
  isVoice: boolean;
  controls: Controls;
}

const isHolder = (feed: Feed, operator: string) => operator !== "" && feed.holder === operator;

/** The button that takes the conversation over, or gives it back. */
export function TakeOverButton({ feed, operator, isVoice, controls }: Props) {
  if (isHolder(feed, operator)) {
    return (
      <Button leftSection={<IconArrowBackUp size={16} />} onClick={controls.handBack}>
        Hand back
      </Button>
    );
  }
  const label = feed.holder === null ? "Take over" : `Take it from ${feed.holder || "somebody"}`;
  if (!isVoice) {
    return (
      <Button leftSection={<IconUserShield size={16} />} onClick={() => controls.takeOver("text")}>
        {label}
      </Button>
    );
  }
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button leftSection={<IconUserShield size={16} />} rightSection={<IconChevronDown size={14} />}>
          {label}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconMicrophone size={16} />} onClick={() => controls.takeOver("voice")}>
          And speak, by microphone
        </Menu.Item>
        <Menu.Item leftSection={<IconKeyboard size={16} />} onClick={() => controls.takeOver("text")}>
          And write: the agent’s voice reads it
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** Who has the conversation, if it is not the agent; and whether the caller waits for somebody. */
export function HolderNotice({ feed, operator }: Pick<Props, "feed" | "operator">) {
  if (feed.holder !== null) {
    const isMine = isHolder(feed, operator);
    return (
      <Alert color="grape" icon={<IconUserShield />} role="status" variant="light">
        <Text size="sm">
          {isMine
            ? "You have this conversation. The agent is silent until you hand it back."
            : `${feed.holder || "Somebody"} has this conversation. The agent is silent until they hand it back.`}
        </Text>
      </Alert>
    );
  }
  if (feed.waiting) {
    return (
      <Alert color="orange" icon={<IconHandStop />} role="status" variant="light">
        <Group gap="xs" justify="space-between">
          <Text size="sm">The caller waits for a person. {feed.waiting.reason}</Text>
          <Text size="sm" fw={600} className="numbers">
            <Since at={feed.waiting.since} />
          </Text>
        </Group>
      </Alert>
    );
  }
  return null;
}
