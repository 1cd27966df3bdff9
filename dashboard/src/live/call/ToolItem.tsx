import { Badge, Button, Code, Group, Text, Textarea } from "@mantine/core";
import { IconTool } from "@tabler/icons-react";
import { useState } from "react";

import { span } from "@/parts/format";
import type { ToolCall, ToolState } from "@/talk/transcript";

import type { Controls } from "./useControls";

const STATES: Record<ToolState, { label: string; colour: string }> = {
  running: { label: "Running", colour: "blue" },
  waiting: { label: "Waits for an answer", colour: "orange" },
  approval: { label: "Waits for approval", colour: "orange" },
  done: { label: "Done", colour: "teal" },
  failed: { label: "Failed", colour: "red" },
};

interface Props {
  call: ToolCall;
  controls: Controls | null;
}

/** One call of a tool. What waits for the client can be answered in its place: the first answer counts. */
export function ToolItem({ call, controls }: Props) {
  const { label, colour } = STATES[call.state];
  const hasParameters = call.parameters !== null && call.parameters !== undefined;
  return (
    <>
      <Group gap="xs" justify="space-between">
        <Group gap={6}>
          <IconTool size={15} aria-hidden="true" />
          <Text size="sm" fw={600} ff="monospace">
            {call.name}
          </Text>
          <Text size="xs" c="dimmed">
            {call.toolType}
          </Text>
        </Group>
        <Badge variant="light" color={colour}>
          {label}
          {call.endedAt !== null && ` in ${span(call.endedAt - call.at)}`}
        </Badge>
      </Group>
      {hasParameters && (
        <Code block mt={6} fz="xs" tabIndex={0} style={{ maxHeight: 140, overflow: "auto" }}>
          {JSON.stringify(call.parameters, null, 2)}
        </Code>
      )}
      {call.result !== null && (
        <Text size="xs" mt={6} style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
          {call.result.slice(0, 1000)}
        </Text>
      )}
      {controls && call.state === "waiting" && <Answer call={call} give={controls.give} />}
      {controls && call.state === "approval" && (
        <Group gap="xs" mt="sm">
          <Button size="xs" onClick={() => controls.approve(call.callId, true)}>
            Approve
          </Button>
          <Button size="xs" variant="default" onClick={() => controls.approve(call.callId, false)}>
            Refuse
          </Button>
        </Group>
      )}
    </>
  );
}

function Answer({ call, give }: { call: ToolCall; give: Controls["give"] }) {
  const [text, setText] = useState("");
  const [isSending, setSending] = useState(false);
  const answer = (isError: boolean) => {
    setSending(true);
    void give("tool_result", {
      tool_call_id: call.callId,
      result: text.trim() || (isError ? "It did not work." : "Done."),
      is_error: isError,
    }).finally(() => setSending(false));
  };
  return (
    <>
      <Textarea
        mt="xs"
        size="sm"
        label="Answer in the client’s place"
        placeholder="Done."
        autosize
        minRows={1}
        maxRows={6}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <Group gap="xs" mt={8}>
        <Button size="xs" loading={isSending} onClick={() => answer(false)}>
          Answer
        </Button>
        <Button size="xs" variant="default" disabled={isSending} onClick={() => answer(true)}>
          Answer with an error
        </Button>
      </Group>
    </>
  );
}
