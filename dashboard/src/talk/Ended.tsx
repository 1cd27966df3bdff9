import { ActionIcon, Button, Group, List, Paper, Text, ThemeIcon, Title, Tooltip } from "@mantine/core";
import {
  IconAlertTriangle,
  IconCircleCheck,
  IconThumbDown,
  IconThumbUp,
  IconTimeline,
} from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { Link } from "react-router";

import { useConversation, useStory } from "@/api/conversations";
import { rateConversation } from "@/api/talk";
import { clock } from "@/parts/format";
import { failed } from "@/parts/notices";

import type { CallState } from "./useCall";

/** After the call: why it ended, how it went, where to look further. */
export function Ended({ state }: { state: CallState }) {
  const { ending, closeCode, startedAt, endedAt, call } = state;
  if (!ending) return null;
  const isBad = ending.by === "failure";
  const told = [
    startedAt !== null && endedAt !== null ? `It ran ${clock((endedAt - startedAt) / 1000)}.` : "",
    closeCode !== null ? `Close code ${closeCode}.` : "",
  ];
  return (
    <Paper p="lg" component="section" aria-label="How the call ended">
      <Group gap="md" wrap="nowrap" align="flex-start">
        <ThemeIcon size={40} radius="xl" variant="light" color={isBad ? "red" : "teal"}>
          {isBad ? <IconAlertTriangle size={22} /> : <IconCircleCheck size={22} />}
        </ThemeIcon>
        <div role="status">
          <Title order={2} fz="lg">
            {ending.title}
          </Title>
          <Text size="sm" c="dimmed" className="numbers">
            {[ending.text, ...told].filter(Boolean).join(" ")}
          </Text>
        </div>
      </Group>
      {call.conversationId && <After id={call.conversationId} />}
    </Paper>
  );
}

function After({ id }: { id: string }) {
  const record = useConversation(id);
  const status = record.data?.status;
  const isOver = status === "done" || status === "failed";
  const story = useStory(id, !isOver);
  const rate = useMutation({
    mutationFn: (feedback: "like" | "dislike") => rateConversation(id, feedback),
    onError: (error) => failed(error, "The rating was not kept"),
  });
  return (
    <>
      {isOver && story.data && (
        <List size="sm" mt="md" spacing={2}>
          {story.data.story.slice(1).map((line) => (
            <List.Item key={line} style={{ overflowWrap: "anywhere" }}>
              {line}
            </List.Item>
          ))}
        </List>
      )}
      <Group mt="md" gap="xs">
        <Button component={Link} to={`/conversations/${id}`} leftSection={<IconTimeline size={18} />}>
          Open its timeline
        </Button>
        <Group gap={4} ml="auto">
          <Text size="sm" c="dimmed">
            How was it?
          </Text>
          {(["like", "dislike"] as const).map((feedback) => {
            const label = feedback === "like" ? "It went well" : "It did not go well";
            const Thumb = feedback === "like" ? IconThumbUp : IconThumbDown;
            const isChosen = rate.isSuccess && rate.variables === feedback;
            return (
              <Tooltip key={feedback} label={label}>
                <ActionIcon
                  variant={isChosen ? "filled" : "default"}
                  color={feedback === "like" ? "teal" : "red"}
                  aria-label={label}
                  aria-pressed={isChosen}
                  onClick={() => rate.mutate(feedback)}
                >
                  <Thumb size={16} />
                </ActionIcon>
              </Tooltip>
            );
          })}
        </Group>
      </Group>
    </>
  );
}
