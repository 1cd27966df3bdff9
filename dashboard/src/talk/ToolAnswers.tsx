import { Button, Code, Group, SegmentedControl, Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";

import { type Answer, FIRST_SCRIPT, runScript } from "./scripts";
import type { ClientTool, Setup, ToolAnswering } from "./setup";

interface Props {
  tools: ClientTool[];
  setup: Setup;
  onChange: (change: Partial<Setup>) => void;
}

/** How this page answers the tools that an agent expects of its client. */
export function ToolAnswers({ tools, setup, onChange }: Props) {
  if (!tools.length) {
    return (
      <Text size="sm" c="dimmed">
        This agent has none. Calls of tools that other agents bring along can be answered by hand.
      </Text>
    );
  }
  return (
    <Stack gap="lg">
      {tools.map((tool) => (
        <One
          key={tool.name}
          tool={tool}
          answering={setup.tools[tool.name] ?? { mode: "hand", code: FIRST_SCRIPT }}
          onChange={(next) => onChange({ tools: { ...setup.tools, [tool.name]: next } })}
        />
      ))}
    </Stack>
  );
}

interface OneProps {
  tool: ClientTool;
  answering: ToolAnswering;
  onChange: (next: ToolAnswering) => void;
}

function One({ tool, answering, onChange }: OneProps) {
  const [tried, setTried] = useState<Answer | null>(null);
  const { mode, code } = answering;
  return (
    <Stack gap={6}>
      <Group justify="space-between" gap="xs">
        <Text fw={600} size="sm" ff="monospace" style={{ overflowWrap: "anywhere" }}>
          {tool.name}
        </Text>
        {tool.expectsAnswer && (
          <SegmentedControl
            size="xs"
            aria-label={`Who answers ${tool.name}`}
            value={mode}
            onChange={(value) => onChange({ code, mode: value as ToolAnswering["mode"] })}
            data={[
              { value: "hand", label: "I answer" },
              { value: "script", label: "A script answers" },
            ]}
          />
        )}
      </Group>
      <Text size="xs" c="dimmed">
        {tool.description}{" "}
        {tool.expectsAnswer
          ? `It may take ${tool.timeoutSecs} s.`
          : "It expects no answer: it is shown, and that is all."}
      </Text>
      {mode === "script" && tool.expectsAnswer && (
        <>
          <Textarea
            aria-label={`Script of ${tool.name}`}
            description="The body of async (parameters) => { … }. It runs apart from this page, without network."
            autosize
            minRows={3}
            maxRows={14}
            spellCheck={false}
            styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: 13 } }}
            value={code}
            onChange={(event) => {
              setTried(null);
              onChange({ mode, code: event.currentTarget.value });
            }}
          />
          <Group gap="xs">
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => void runScript(code, {}, 5).then(setTried)}
            >
              Try it with {"{}"}
            </Button>
            {tried && (
              <Text size="xs" c={tried.isError ? "red" : undefined} role="status">
                {tried.isError ? "Error: " : "Answer: "}
                <Code>{tried.result.slice(0, 200)}</Code>
              </Text>
            )}
          </Group>
        </>
      )}
    </Stack>
  );
}
