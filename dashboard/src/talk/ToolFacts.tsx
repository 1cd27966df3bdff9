import { Badge, Button, Code, Group, Text } from "@mantine/core";
import { IconTool } from "@tabler/icons-react";
import type { ReactNode } from "react";

import { span } from "@/parts/format";

import type { ToolCall, ToolState } from "./transcript";

const STATES: Record<ToolState, { label: string; colour: string }> = {
  running: { label: "Running", colour: "blue" },
  waiting: { label: "Waits for an answer", colour: "orange" },
  approval: { label: "Waits for approval", colour: "orange" },
  done: { label: "Done", colour: "teal" },
  failed: { label: "Failed", colour: "red" },
};

/** What is known of a call of a tool: which, how far it is, what it was given, and what came back. */
export function ToolFacts({ call, label }: { call: ToolCall; label?: string | undefined }) {
  const { label: usual, colour } = STATES[call.state];
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
        <Badge variant="light" color={colour} tt="none">
          {label ?? usual}
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
    </>
  );
}

/** Whether a call that waits for approval may be made. */
export function Approval({
  decide,
  children,
}: {
  decide: (isApproved: boolean) => void;
  children?: ReactNode;
}) {
  return (
    <Group gap="xs" mt="sm">
      <Button size="xs" onClick={() => decide(true)}>
        Approve
      </Button>
      <Button size="xs" variant="default" onClick={() => decide(false)}>
        Refuse
      </Button>
      {children}
    </Group>
  );
}
