import { Button, Group, SegmentedControl, Text, TextInput } from "@mantine/core";
import { IconSend } from "@tabler/icons-react";
import { type FormEvent, useEffect, useRef, useState } from "react";

import classes from "./Call.module.css";
import type { Controls } from "./useControls";

type Manner = "human" | "whisper" | "agent" | "user";

const MANNERS: Record<
  Manner,
  { label: string; hint: string; placeholder: string; command: string; field: string }
> = {
  human: {
    label: "As yourself",
    hint: "The caller gets it as your words; in a voice call it is spoken.",
    placeholder: "Write to the caller",
    command: "send_human_message",
    field: "text",
  },
  whisper: {
    label: "Whisper",
    hint: "Only the agent knows it, from its next answer on.",
    placeholder: "The caller is on the page “Checkout”",
    command: "contextual_update",
    field: "contextual_update",
  },
  agent: {
    label: "As the agent",
    hint: "The agent says it word for word, as soon as nobody speaks.",
    placeholder: "What the agent shall say",
    command: "agent_message",
    field: "text",
  },
  user: {
    label: "As the caller",
    hint: "The agent answers it as if the caller had typed it.",
    placeholder: "What the caller would say",
    command: "user_message",
    field: "text",
  },
};

/** While somebody types, the caller's client is told so this often. */
const TYPING_EVERY_MS = 3000;

interface Props {
  /** Whether we have taken over. */
  isMine: boolean;
  give: Controls["give"];
}

/** Words for the call: to the agent alone, in its name, in the caller's, or in our own. */
export function Composer({ isMine, give }: Props) {
  const [chosen, setChosen] = useState<Exclude<Manner, "human">>("whisper");
  const [asSelf, setAsSelf] = useState(true);
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const typedAt = useRef(0);
  const manner: Manner = isMine && asSelf ? "human" : chosen;
  const { command, field, hint, placeholder } = MANNERS[manner];

  useEffect(() => {
    if (isMine) input.current?.focus();
  }, [isMine]);

  const choose = (value: Manner) => {
    setAsSelf(value === "human");
    if (value !== "human") setChosen(value);
  };
  const type = (value: string) => {
    setText(value);
    if (manner !== "human" || !value || performance.now() - typedAt.current < TYPING_EVERY_MS) return;
    typedAt.current = performance.now();
    void give("agent_typing", { is_typing: true, duration_ms: TYPING_EVERY_MS + 1000 });
  };
  const send = (event: FormEvent) => {
    event.preventDefault();
    const words = text.trim();
    if (!words) return;
    setText("");
    typedAt.current = 0;
    void give(command, { [field]: words }).then((isDone) => {
      if (!isDone) setText((now) => now || words);
    });
  };
  const manners: Manner[] = isMine ? ["human", "whisper", "agent", "user"] : ["whisper", "agent", "user"];
  return (
    <form className={classes["composer"]} onSubmit={send}>
      <Group gap="sm" mb={8}>
        <SegmentedControl
          size="xs"
          aria-label="How it is said"
          value={manner}
          onChange={(value) => choose(value as Manner)}
          data={manners.map((value) => ({ value, label: MANNERS[value].label }))}
        />
        <Text size="xs" c="dimmed">
          {hint}
        </Text>
      </Group>
      <Group gap="xs" wrap="nowrap">
        <TextInput
          ref={input}
          flex={1}
          aria-label={placeholder}
          placeholder={placeholder}
          autoComplete="off"
          value={text}
          onChange={(event) => type(event.currentTarget.value)}
        />
        <Button type="submit" px="sm" aria-label="Send" disabled={!text.trim()}>
          <IconSend size={18} />
        </Button>
      </Group>
    </form>
  );
}
