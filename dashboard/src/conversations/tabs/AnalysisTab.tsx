import { Anchor, Badge, Button, Code, Grid, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { IconReportAnalytics } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "react-router";

import {
  type Collected,
  type ConversationRecord,
  CONVERSATIONS,
  isRunning,
  runAnalysis,
  type Turn,
} from "@/api/conversations";
import { EmptyState } from "@/parts/EmptyState";
import { done, failed } from "@/parts/notices";

import { VERDICT } from "../words";
import { evidence } from "./evidence";

/** What a model that read the conversation found: a summary, criteria, values; and what the user thought. */
export default function AnalysisTab({ record }: { record: ConversationRecord }) {
  const { analysis, transcript } = record;
  const queries = useQueryClient();
  const again = useMutation({
    mutationFn: () => runAnalysis(record.conversation_id),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: [CONVERSATIONS, record.conversation_id] });
      done("The conversation was analysed.");
    },
    onError: (error) => failed(error, "It was not analysed"),
  });
  if (!analysis)
    return (
      <Stack>
        <EmptyState
          icon={IconReportAnalytics}
          title={record.status === "processing" ? "It is being analysed" : "It was not analysed"}
          text={
            record.status === "processing"
              ? "The result appears here by itself."
              : "Conversations are analysed when their agent has criteria to judge or values to collect, and a language model can read them."
          }
          action={
            isRunning(record.status) || record.status === "processing" ? undefined : (
              <Group justify="center">
                <Button component={Link} to={`/agents/${record.agent_id}`} variant="default">
                  Add criteria to the agent
                </Button>
                <Button loading={again.isPending} onClick={() => again.mutate()}>
                  Analyse it now
                </Button>
              </Group>
            )
          }
        />
        <Feedback record={record} />
      </Stack>
    );
  const verdict = VERDICT[analysis.call_successful];
  const criteria = Object.entries(analysis.evaluation_criteria_results ?? {});
  const collected = Object.entries(analysis.data_collection_results ?? {});
  return (
    <Grid gap="md">
      <Grid.Col span={12}>
        <Paper p="lg">
          <Group justify="space-between" mb={6}>
            <Title order={2} fz="h4">
              Summary
            </Title>
            <Group gap="xs">
              {analysis.call_success_score != null && (
                <Text size="sm" c="dimmed" className="numbers">
                  {Math.round(analysis.call_success_score * 100)} %
                </Text>
              )}
              <Badge variant="light" color={verdict.colour} tt="none" c="var(--mantine-color-text)">
                {verdict.label}
              </Badge>
            </Group>
          </Group>
          <Text maw="75ch">{analysis.transcript_summary || "There is no summary."}</Text>
          {analysis.x_error && (
            <Text c="red" size="sm" mt="xs">
              The analysis failed: {analysis.x_error}
            </Text>
          )}
        </Paper>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 6 }}>
        <Paper p="lg" h="100%">
          <Title order={2} fz="h4" mb="sm">
            Criteria
          </Title>
          {!criteria.length && <Text c="dimmed">The agent has no criteria.</Text>}
          <Stack gap="md">
            {criteria.map(([id, one]) => (
              <div key={id}>
                <Group justify="space-between" gap="xs" wrap="nowrap">
                  <Text fw={600} truncate>
                    {id}
                  </Text>
                  <Badge
                    variant="light"
                    color={VERDICT[one.result].colour}
                    tt="none"
                    className="numbers"
                    c="var(--mantine-color-text)"
                  >
                    {one.score != null
                      ? `${one.score} of ${one.max_score ?? "?"}`
                      : VERDICT[one.result].label}
                  </Badge>
                </Group>
                <Rationale text={one.rationale} turns={transcript} />
              </div>
            ))}
          </Stack>
        </Paper>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 6 }}>
        <Paper p="lg" h="100%">
          <Title order={2} fz="h4" mb="sm">
            Data collected
          </Title>
          {!collected.length && <Text c="dimmed">The agent collects no data.</Text>}
          <Stack gap="md">
            {collected.map(([name, one]) => (
              <div key={name}>
                <Group justify="space-between" gap="xs" wrap="nowrap" align="baseline">
                  <Text fw={600} truncate>
                    {name}{" "}
                    <Text span size="xs" c="dimmed">
                      {one.json_schema?.type}
                    </Text>
                  </Text>
                  <Value one={one} />
                </Group>
                <Rationale text={one.rationale} turns={transcript} />
              </div>
            ))}
          </Stack>
        </Paper>
      </Grid.Col>
      <Grid.Col span={12}>
        <Feedback record={record} />
      </Grid.Col>
    </Grid>
  );
}

/** In the type that was asked for. */
function Value({ one }: { one: Collected }) {
  if (one.value === null || one.value === undefined)
    return (
      <Text size="sm" c="dimmed">
        not told
      </Text>
    );
  if (typeof one.value === "boolean") return <Text size="sm">{one.value ? "yes" : "no"}</Text>;
  return <Code fz="sm">{typeof one.value === "string" ? one.value : JSON.stringify(one.value)}</Code>;
}

function Rationale({ text, turns }: { text: string; turns: Turn[] }) {
  const turn = evidence(text, turns);
  return (
    <Text size="sm" c="dimmed">
      {text}{" "}
      {turn !== null && (
        <Anchor component={Link} to={`?turn=${turn}`} size="sm" underline="always">
          Show the turn
        </Anchor>
      )}
    </Text>
  );
}

function Feedback({ record }: { record: ConversationRecord }) {
  const { rating, comment, likes, dislikes } = record.metadata.feedback;
  const isNone = rating === null && !comment && !likes && !dislikes;
  return (
    <Paper p="lg">
      <Title order={2} fz="h4" mb={6}>
        Feedback of the user
      </Title>
      {isNone && <Text c="dimmed">None was given.</Text>}
      {rating !== null && (
        <Group gap="xs">
          <span aria-hidden="true">{"★".repeat(rating) + "☆".repeat(5 - rating)}</span>
          <Text size="sm" className="numbers">
            {rating} of 5
          </Text>
        </Group>
      )}
      {comment && <Text mt={4}>“{comment}”</Text>}
      {(likes > 0 || dislikes > 0) && (
        <Text size="sm" c="dimmed">
          {likes} liked, {dislikes} disliked
        </Text>
      )}
    </Paper>
  );
}
