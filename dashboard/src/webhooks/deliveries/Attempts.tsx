import { Code, Group, Paper, Text, Timeline, Title } from "@mantine/core";
import { IconCheck, IconClock, IconX } from "@tabler/icons-react";

import type { DeliveryDetails } from "@/api/webhooks";
import { span } from "@/parts/format";
import { When } from "@/parts/When";

import { soon } from "./soon";
import { reasonWords } from "./reasons";

/** Each attempt, oldest first: when, how long it took, what was answered; at last when the next one is made. */
export function Attempts({
  delivery: { attempts, next_attempt_at_unix_secs: next },
}: {
  delivery: DeliveryDetails;
}) {
  return (
    <Paper p="lg" component="section" aria-label="Attempts">
      <Title order={2} fz="md" mb="md">
        Attempts
      </Title>
      {!attempts.length && next === null && (
        <Text size="sm" c="dimmed">
          None was made.
        </Text>
      )}
      <Timeline active={attempts.length - 1} bulletSize={24} lineWidth={2} color="gray">
        {attempts.map((attempt, index) => {
          const isGood = attempt.reason === "ok";
          const { text, advice } = reasonWords(attempt.reason);
          return (
            <Timeline.Item
              key={`${attempt.at} ${index}`}
              color={isGood ? "teal" : "red"}
              bullet={isGood ? <IconCheck size={14} /> : <IconX size={14} />}
              title={
                <Group gap="xs" justify="space-between">
                  <Text size="sm" fw={600}>
                    {isGood ? `The endpoint answered ${attempt.status_code ?? 200}.` : text}
                  </Text>
                  <Text size="sm" c="dimmed" className="numbers">
                    {span(attempt.seconds)} · <When at={attempt.at} span />
                  </Text>
                </Group>
              }
            >
              {!isGood && advice && (
                <Text size="sm" c="dimmed">
                  {advice}
                </Text>
              )}
              {attempt.answer && (
                <Code
                  block
                  mt={6}
                  fz="xs"
                  mah={220}
                  tabIndex={0}
                  style={{ whiteSpace: "pre-wrap", overflow: "auto", overflowWrap: "anywhere" }}
                >
                  {attempt.answer}
                </Code>
              )}
            </Timeline.Item>
          );
        })}
        {next !== null && (
          <Timeline.Item
            bullet={<IconClock size={14} />}
            title={
              <Text size="sm" fw={600}>
                {attempts.length ? "Next attempt" : "First attempt"} {soon(next)}
              </Text>
            }
          />
        )}
      </Timeline>
    </Paper>
  );
}
