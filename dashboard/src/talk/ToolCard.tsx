import { Box, Button, Group, Paper, Text, Textarea } from "@mantine/core";
import { useEffect, useState } from "react";

import type { ClientTool } from "./setup";
import { Approval, ToolFacts } from "./ToolFacts";
import type { ToolCall, ToolState } from "./transcript";
import type { CallState } from "./useCall";

/** Whom a call waits for, said to the one it waits for. */
const YOURS: Partial<Record<ToolState, string>> = {
  waiting: "Waits for your answer",
  approval: "Waits for your approval",
};

interface Props {
  call: ToolCall;
  /** How the tool is configured, when it is one of the client's. */
  tool: ClientTool | undefined;
  state: CallState;
}

/** One call of a tool; those that wait for this client can be answered here. */
export function ToolCard({ call, tool, state }: Props) {
  const isRunning = state.phase === "running";
  const isByScript = call.state === "waiting" && tool !== undefined && isScripted(state, call.name);
  const limit = call.timeoutSecs ?? (call.toolType === "client" ? tool?.timeoutSecs : null) ?? null;
  return (
    <Paper p="sm" radius="md" data-tool={call.name} role="group" aria-label={`Tool call ${call.name}`}>
      <ToolFacts call={call} label={isByScript ? "Your script answers" : YOURS[call.state]} />
      {isRunning && call.state === "waiting" && !isByScript && (
        <ByHand call={call} state={state} limit={limit} />
      )}
      {isRunning && call.state === "approval" && (
        <Approval decide={(isApproved) => state.approveTool(call.callId, isApproved)}>
          <Remaining call={call} state={state} limit={limit} />
        </Approval>
      )}
    </Paper>
  );
}

const isScripted = (state: CallState, name: string) => state.answering(name) === "script";

interface Waiting {
  call: ToolCall;
  state: CallState;
  limit: number | null;
}

const DONE = "Done.";

/** The error, when nobody has written one. */
const FAILED = "The tool failed.";

function ByHand({ call, state, limit }: Waiting) {
  const [text, setText] = useState(DONE);
  return (
    <Box mt="sm">
      <Textarea
        size="sm"
        label="Your app answers"
        autosize
        minRows={1}
        maxRows={6}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <Group gap="xs" mt={8}>
        <Button size="xs" onClick={() => state.answerTool(call.callId, { result: text, isError: false })}>
          Answer
        </Button>
        <Button
          size="xs"
          variant="default"
          onClick={() =>
            state.answerTool(call.callId, { result: text === DONE ? FAILED : text, isError: true })
          }
        >
          Answer with an error
        </Button>
        <Remaining call={call} state={state} limit={limit} />
      </Group>
    </Box>
  );
}

/** How long the server still waits. */
function Remaining({ call, state, limit }: Waiting) {
  const [now, setNow] = useState(() => state.log.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(state.log.now()), 250);
    return () => clearInterval(timer);
  }, [state.log]);
  if (limit === null) return null;
  const left = Math.max(0, limit - (now - call.at));
  return (
    <Text size="xs" c={left < 3 ? "red" : "dimmed"} className="numbers">
      {left > 0 ? `${Math.ceil(left)} s left of ${limit} s` : "The time is over."}
    </Text>
  );
}
