import { Box, Button, Paper, Stack, Text } from "@mantine/core";
import { IconArrowDown } from "@tabler/icons-react";
import { type ReactNode, useEffect, useRef, useState } from "react";

import { useLatencies } from "@/api/talk";

import { Said } from "./Said";
import classes from "./Talk.module.css";
import { ToolCard } from "./ToolCard";
import type { ClientTool } from "./setup";
import type { CallState } from "./useCall";

const NEAR_THE_END = 60;

interface Props {
  state: CallState;
  tools: ClientTool[];
  /** Under the words: where one writes, or how it ended. */
  children: ReactNode;
}

/** What was said and done, as it happens. */
export function Transcript({ state, tools, children }: Props) {
  const { call, phase } = state;
  const box = useRef<HTMLDivElement>(null);
  const [isAtEnd, setIsAtEnd] = useState(true);
  const latencies = useLatencies(call.conversationId, `${phase} ${call.turnsOver}`);
  const isRunning = phase === "running";

  useEffect(() => {
    const element = box.current;
    if (element && isAtEnd) element.scrollTop = element.scrollHeight;
  }, [call.items, call.isThinking, call.isTyping, isAtEnd]);

  return (
    <Paper component="section" aria-label="Conversation" style={{ overflow: "hidden" }}>
      <Box pos="relative">
        <div
          ref={box}
          className={classes.talk}
          tabIndex={0}
          role="log"
          aria-label="What was said"
          onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) =>
            setIsAtEnd(scrollHeight - scrollTop - clientHeight < NEAR_THE_END)
          }
        >
          <Stack gap="xs">
            {call.items.map((item) => {
              if (item.kind === "tool") {
                const tool = tools.find((one) => one.name === item.name);
                return <ToolCard key={item.id} call={item} tool={tool} state={state} />;
              }
              if (item.kind === "note") {
                return (
                  <Text key={item.id} size="xs" ta="center" c={item.tone === "error" ? "red" : "dimmed"}>
                    {item.text}
                  </Text>
                );
              }
              return (
                <Said
                  key={item.id}
                  turn={item}
                  latency={item.eventId === null ? undefined : latencies.data?.get(item.eventId)}
                  onRate={isRunning ? state.rate : undefined}
                />
              );
            })}
            {isRunning && (call.isThinking || call.isTyping) && (
              <Text size="sm" c="dimmed" aria-hidden="true">
                …
              </Text>
            )}
            {isRunning && !call.items.length && (
              <Text size="sm" c="dimmed" ta="center">
                The conversation has begun. Say something, or wait for the agent.
              </Text>
            )}
            {phase === "starting" && (
              <Text size="sm" c="dimmed" ta="center">
                Asking for the microphone and opening the connection
              </Text>
            )}
          </Stack>
        </div>
        {!isAtEnd && (
          <Button
            size="compact-sm"
            radius="xl"
            variant="default"
            pos="absolute"
            bottom={10}
            left="50%"
            style={{ transform: "translateX(-50%)" }}
            leftSection={<IconArrowDown size={14} />}
            onClick={() => setIsAtEnd(true)}
          >
            Newest
          </Button>
        )}
      </Box>
      {children}
    </Paper>
  );
}
