import { Badge, Box, Button, Code, Group, Paper, Text, Textarea } from "@mantine/core";
import { IconTool } from "@tabler/icons-react";
import { useEffect, useState } from "react";

import { span } from "@/parts/format";

import type { ClientTool } from "./setup";
import type { ToolCall, ToolState } from "./transcript";
import type { CallState } from "./useCall";

const STATES: Record<ToolState, { label: string; colour: string }> = {
  running: { label: "Running", colour: "blue" },
  waiting: { label: "Waits for your answer", colour: "orange" },
  approval: { label: "Waits for your approval", colour: "orange" },
  done: { label: "Done", colour: "teal" },
  failed: { label: "Failed", colour: "red" },
};

interface Props {
  call: ToolCall;
  /** How the tool is configured, when it is one of the client's. */
  tool: ClientTool | undefined;
  state: CallState;
}

/** One call of a tool; those that wait for this client can be answered here. */
export function ToolCard({ call, tool, state }: Props) {
  const told = STATES[call.state];
  const isRunning = state.phase === "running";
  const isByScript = call.state === "waiting" && tool !== undefined && isScripted(state, call.name);
  const limit = call.timeoutSecs ?? (call.toolType === "client" ? tool?.timeoutSecs : null) ?? null;
  return (
    <Paper p="sm" radius="md" data-tool={call.name} role="group" aria-label={`Tool call ${call.name}`}>
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
        <Badge variant="light" color={told.colour} tt="none">
          {isByScript ? "Your script answers" : told.label}
          {call.endedAt !== null && ` in ${span(call.endedAt - call.at)}`}
        </Badge>
      </Group>
      {call.parameters !== null && call.parameters !== undefined && (
        <Code block mt={6} fz="xs" tabIndex={0} style={{ maxHeight: 160, overflow: "auto" }}>
          {JSON.stringify(call.parameters, null, 2)}
        </Code>
      )}
      {call.result !== null && (
        <Text size="xs" mt={6} style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
          <Text span inherit c="dimmed">
            {call.state === "failed" ? "Error: " : "Answer: "}
          </Text>
          {call.result.slice(0, 1000)}
        </Text>
      )}
      {isRunning && call.state === "waiting" && !isByScript && (
        <ByHand call={call} state={state} limit={limit} />
      )}
      {isRunning && call.state === "approval" && (
        <Group gap="xs" mt="sm">
          <Button size="xs" onClick={() => state.approveTool(call.callId, true)}>
            Approve
          </Button>
          <Button size="xs" variant="default" onClick={() => state.approveTool(call.callId, false)}>
            Refuse
          </Button>
          <Remaining call={call} state={state} limit={limit} />
        </Group>
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
