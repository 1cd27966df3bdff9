import { Button, Group, Textarea } from "@mantine/core";
import { useState } from "react";

import { Approval, ToolFacts } from "@/talk/ToolFacts";
import type { ToolCall } from "@/talk/transcript";

import type { Controls } from "./useControls";

interface Props {
  call: ToolCall;
  controls: Controls | null;
}

/** One call of a tool. What waits for the client can be answered in its place: the first answer counts. */
export function ToolItem({ call, controls }: Props) {
  return (
    <>
      <ToolFacts call={call} />
      {controls && call.state === "waiting" && <Answer call={call} give={controls.give} />}
      {controls && call.state === "approval" && (
        <Approval decide={(isApproved) => controls.approve(call.callId, isApproved)} />
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
