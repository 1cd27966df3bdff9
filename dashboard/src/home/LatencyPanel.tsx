import { ColorSwatch, Group, SimpleGrid, Stack, Text } from "@mantine/core";

import type { Latency } from "@/api/overview";
import { filled, STEPS } from "@/parts/colours";
import { counted, span } from "@/parts/format";

import classes from "./LatencyPanel.module.css";
import { Panel } from "./Panel";

const NAMED: Record<string, { label: string; colour: string }> = {
  end_of_turn: { label: "End of turn", colour: STEPS.end_of_turn },
  retrieval: { label: "Documents", colour: "lime" },
  llm: { label: "Language model", colour: STEPS.language_model },
  sentence: { label: "First sentence", colour: "indigo" },
  tts: { label: "Text to speech", colour: STEPS.text_to_speech },
  send: { label: "Sending", colour: "gray" },
};

const PERCENTILES = ["p50_secs", "p90_secs", "p95_secs", "p99_secs"] as const;

/** From the last sound of the caller to the first of the agent, and which step takes how much of it. */
export function LatencyPanel({ latency }: { latency: Latency }) {
  const steps = Object.entries(latency.steps).filter(([, step]) => (step.p95_secs ?? 0) >= 0.001);
  const longest = Math.max(0.001, ...steps.map(([, step]) => step.p95_secs ?? 0));
  return (
    <Panel
      title="How long callers wait for an answer"
      aside={
        <Text size="xs" c="dimmed">
          {counted(latency.turns, "turn")} of {counted(latency.conversations, "conversation")}
        </Text>
      }
    >
      {latency.turns === 0 ? (
        <Text c="dimmed">
          No turn has been measured yet. Call an agent, and the time of each answer is here.
        </Text>
      ) : (
        <Stack gap="md">
          <SimpleGrid cols={4} spacing="xs">
            {PERCENTILES.map((name) => (
              <div key={name}>
                <Text size="xs" c="dimmed">
                  {name === "p50_secs" ? "Half within" : `${name.slice(1, 3)} % within`}
                </Text>
                <Text fw={650} fz="lg" className="numbers">
                  {span(latency[name])}
                </Text>
              </div>
            ))}
          </SimpleGrid>
          <Stack gap={10}>
            {steps.map(([name, step]) => {
              const { label, colour } = NAMED[name] ?? { label: name, colour: "gray" };
              const [usual, slow] = [step.p50_secs ?? 0, step.p95_secs ?? 0];
              return (
                <div key={name}>
                  <Group justify="space-between" gap="xs" mb={3}>
                    <Group gap={6}>
                      <ColorSwatch color={filled(colour)} size={10} withShadow={false} />
                      <Text size="sm">{label}</Text>
                    </Group>
                    <Text size="sm" c="dimmed" className="numbers">
                      {span(usual || null)} usual, {span(slow)} slow
                    </Text>
                  </Group>
                  <div className={classes.track}>
                    <div
                      className={classes.slow}
                      style={{ width: `${(100 * slow) / longest}%`, background: filled(colour) }}
                    />
                    <div
                      className={classes.usual}
                      style={{ width: `${(100 * usual) / longest}%`, background: filled(colour) }}
                    />
                  </div>
                </div>
              );
            })}
          </Stack>
          <Text size="xs" c="dimmed">
            Usual is the median, slow the 95th percentile of each step.
          </Text>
        </Stack>
      )}
    </Panel>
  );
}
