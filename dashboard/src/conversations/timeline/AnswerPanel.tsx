import { Anchor, Box, Button, Code, Group, Paper, Stack, Text, Title, UnstyledButton } from "@mantine/core";
import { IconArrowLeft, IconBulb } from "@tabler/icons-react";
import { memo, type ReactNode, useMemo } from "react";
import { Link } from "react-router";

import type { ConversationRecord, Turn } from "@/api/conversations";
import { filled } from "@/parts/colours";
import { clock, counted, span } from "@/parts/format";

import { LatencyBar } from "../transcript/Latency";
import classes from "./AnswerPanel.module.css";
import { type Answer, percentile, replies, STEP_NAMES } from "./answers";
import { closedWords, type Explanation, explain, STEP_LABELS, verdictLine, verdictWords } from "./explain";
import { type CallModel, STEP_COLOURS } from "./lanes";
import { momentText } from "./view";

interface Props {
  record: ConversationRecord;
  model: CallModel;
  selected: number | null;
  select: (turn: number | null) => void;
}

/** Why the agent answered when it did: of the chosen turn, or of the whole call. */
export const AnswerPanel = memo(function AnswerPanel({ record, model, selected, select }: Props) {
  const turn = selected === null ? undefined : record.transcript[selected];
  if (selected === null || !turn) return <AllAnswers model={model} select={select} />;
  const answer =
    model.answers.find((one) => one.turn === selected) ??
    model.answers.find((one) => one.asked === selected && turn.role === "user");
  return (
    <Paper p="md" component="section" aria-live="polite" aria-label="The chosen turn">
      <Button
        size="compact-sm"
        variant="subtle"
        color="gray"
        c="dimmed"
        ml={-8}
        mb={6}
        leftSection={<IconArrowLeft size={15} />}
        onClick={() => select(null)}
      >
        All answers
      </Button>
      {answer ? (
        <OneAnswer record={record} answer={answer} answers={model.answers} />
      ) : (
        <NoAnswer turn={turn} />
      )}
    </Paper>
  );
});

function OneAnswer({
  record,
  answer,
  answers,
}: {
  record: ConversationRecord;
  answer: Answer;
  answers: Answer[];
}) {
  const agent = record.transcript[answer.turn];
  const user = answer.asked === null ? null : (record.transcript[answer.asked] ?? null);
  if (!agent) return null;
  const told = explain(answer, agent, user, record.agent_id);
  return (
    <Stack gap="md">
      <Box>
        <Title order={2} fz={34} lh={1.1} className="numbers" style={{ letterSpacing: "-0.02em" }}>
          {span(answer.total)}
        </Title>
        <Text size="sm" c="dimmed">
          {told.lead}
        </Text>
        <Text mt={6} fw={500}>
          {told.because}
        </Text>
        <Rank answer={answer} answers={answers} />
      </Box>
      <Waterfall told={told} />
      {told.hints.length > 0 && (
        <Box className={classes["hints"]}>
          <Group gap={6} mb={4}>
            <IconBulb size={16} aria-hidden />
            <Text size="sm" fw={600}>
              What would make it quicker
            </Text>
          </Group>
          <Stack gap={6}>
            {told.hints.map((hint) => (
              <Text key={hint.text} size="sm">
                <Ticked text={hint.text} />{" "}
                {hint.to && (
                  <Anchor component={Link} to={hint.to} size="sm" underline="always">
                    {hint.where}
                  </Anchor>
                )}
              </Text>
            ))}
          </Stack>
        </Box>
      )}
      {user && <Decision turn={user} />}
    </Stack>
  );
}

/** Words between backticks as code. */
const Ticked = ({ text }: { text: string }): ReactNode =>
  text.split("`").map((part, index) => (index % 2 ? <Code key={`${index}${part}`}>{part}</Code> : part));

function Rank({ answer, answers }: { answer: Answer; answers: Answer[] }) {
  const others = replies(answers).map((one) => one.total);
  const median = percentile(others, 0.5);
  if (answer.asked === null || median === null || others.length < 3) return null;
  const slower = others.filter((total) => total > answer.total).length;
  const place =
    slower === 0 ? "The slowest" : `Slower than ${others.length - slower - 1} of ${others.length - 1}`;
  return (
    <Text size="sm" c="dimmed" className="numbers">
      {place} of this call; the median is {span(median)}.
    </Text>
  );
}

/** The steps behind each other, each as long as what it added. */
function Waterfall({ told }: { told: Explanation }) {
  const start = told.steps[0]?.from ?? 0;
  return (
    <ol className={classes["steps"]}>
      {told.steps.map((step) => (
        <li key={step.name}>
          <Group justify="space-between" gap="xs" wrap="nowrap">
            <Text size="sm" fw={600}>
              {step.label}
            </Text>
            <Text size="sm" className="numbers" c={step.secs < 0.001 ? "dimmed" : undefined}>
              {span(step.secs)}
            </Text>
          </Group>
          <div className={classes["track"]} aria-hidden="true">
            <div
              style={{
                marginLeft: `${told.total ? ((step.from - start) / told.total) * 100 : 0}%`,
                width: `max(2px, ${step.share * 100}%)`,
                background: filled(STEP_COLOURS[step.name]),
                opacity: step.secs < 0.001 ? 0.4 : 1,
              }}
            />
          </div>
          <Text size="xs" c="dimmed">
            {step.text}
          </Text>
        </li>
      ))}
    </ol>
  );
}

/** How the end of the user's turn was decided. */
function Decision({ turn }: { turn: Turn }) {
  const times = turn.x_timeline ?? {};
  const stopped = times.speech_stopped_secs;
  return (
    <Box>
      <Text size="sm" fw={600} mb={4}>
        When the turn was over
      </Text>
      <Text size="sm" mb={8}>
        {closedWords(times.closed_because)}
      </Text>
      <ol className={classes["verdicts"]}>
        {(times.verdicts ?? []).map((one, index) => (
          <li key={`${one.at_secs}/${index}`}>
            <Text span size="xs" c="dimmed" className="numbers">
              {stopped === undefined ? momentText(one.at_secs, 2) : signed(one.at_secs - stopped)}
            </Text>
            <div>
              <Text size="sm">
                <b>{one.verdict}</b>: {verdictWords(one.verdict)}, so wait for {span(one.wait_secs)}
              </Text>
              <Text size="xs" c="dimmed">
                {verdictLine(one)}
              </Text>
            </div>
          </li>
        ))}
        {stopped !== undefined && times.closed_secs !== undefined && (
          <li>
            <Text span size="xs" c="dimmed" className="numbers">
              {signed(times.closed_secs - stopped)}
            </Text>
            <Text size="sm" fw={600}>
              The turn was over
            </Text>
          </li>
        )}
      </ol>
      {stopped !== undefined && (
        <Text size="xs" c="dimmed" mt={6}>
          Counted from the last sound, at {momentText(stopped, 3)}.
        </Text>
      )}
    </Box>
  );
}

const signed = (seconds: number) => `${seconds < 0 ? "−" : "+"}${Math.round(Math.abs(seconds) * 1000)} ms`;

function NoAnswer({ turn }: { turn: Turn }) {
  const injected = turn.x_injected_by;
  return (
    <Stack gap="md">
      <Title order={2} fz="h4">
        {turn.role === "user"
          ? "A turn of the user"
          : injected
            ? `Said by ${injected.by}`
            : "Said without delay to explain"}
      </Title>
      <Text size="sm" c="dimmed">
        {turn.role === "user"
          ? turn.ignored_as_backchannel
            ? "It was taken for a sign of listening: the agent spoke on, and the model does not read it."
            : turn.source_medium === "text"
              ? "It was typed, so there was no end of the turn to wait for."
              : "The agent’s answer to it has no times in the record."
          : injected
            ? "These words came from outside the call, so they are no answer of the model."
            : "The record has no sound for this turn: it was written, cut off before its first audio, or only called a tool."}
      </Text>
      {turn.role === "user" && turn.x_timeline && <Decision turn={turn} />}
    </Stack>
  );
}

/** The whole call: how quick it was, what took the time, which answers to look at. */
function AllAnswers({ model, select }: { model: CallModel; select: (turn: number) => void }) {
  const all = useMemo(() => replies(model.answers), [model.answers]);
  const slowest = useMemo(() => [...all].sort((a, b) => b.total - a.total).slice(0, 6), [all]);
  const totals = all.map((answer) => answer.total);
  const [median, p95] = [percentile(totals, 0.5), percentile(totals, 0.95)];
  if (!all.length || median === null)
    return (
      <Paper p="md">
        <Title order={2} fz="h4" mb={4}>
          Answers
        </Title>
        <Text size="sm" c="dimmed">
          There is no spoken answer in this conversation, so there is nothing to explain. Choose a turn to see
          what is known of it.
        </Text>
      </Paper>
    );
  const sum = totals.reduce((a, b) => a + b, 0);
  const shares = STEP_NAMES.map((name) => ({
    name,
    secs: all.reduce((a, answer) => a + (answer.steps.find((step) => step.name === name)?.secs ?? 0), 0),
  })).filter((step) => step.secs > 0.001);
  return (
    <Paper p="md" component="section" aria-label="All answers">
      <Stack gap="md">
        <Box>
          <Title order={2} fz={34} lh={1.1} className="numbers" style={{ letterSpacing: "-0.02em" }}>
            {span(median)}
          </Title>
          <Text size="sm" c="dimmed">
            the median of {counted(all.length, "answer")}, from the last sound to the first audio
            {p95 !== null && all.length > 4 && `; 95 % came within ${span(p95)}`}
          </Text>
        </Box>
        <Box>
          <Text size="sm" fw={600} mb={6}>
            What was waited for
          </Text>
          <div className={classes["stack"]} aria-hidden="true">
            {shares.map((step) => (
              <div
                key={step.name}
                style={{ flexGrow: step.secs, background: filled(STEP_COLOURS[step.name]) }}
              />
            ))}
          </div>
          {shares.map((step) => (
            <Group key={step.name} gap={8} mt={5} wrap="nowrap">
              <span className={classes["dot"]} style={{ background: filled(STEP_COLOURS[step.name]) }} />
              <Text size="sm" flex={1}>
                {STEP_LABELS[step.name]}
              </Text>
              <Text size="sm" className="numbers">
                {span(step.secs / all.length)}
              </Text>
              <Text size="sm" c="dimmed" className="numbers" w={40} ta="right">
                {Math.round((step.secs / sum) * 100)} %
              </Text>
            </Group>
          ))}
        </Box>
        <Box>
          <Text size="sm" fw={600} mb={4}>
            The slowest
          </Text>
          {slowest.map((answer) => (
            <UnstyledButton key={answer.turn} className={classes["slow"]} onClick={() => select(answer.turn)}>
              <Text span size="sm" c="dimmed" className="numbers" w={56}>
                {clock(answer.to)}
              </Text>
              <LatencyBar answer={answer} longest={slowest[0]?.total ?? 1} width="100%" />
              <Text span size="sm" className="numbers" ta="right" w={60}>
                {span(answer.total)}
              </Text>
            </UnstyledButton>
          ))}
        </Box>
        <Text size="xs" c="dimmed">
          Choose an answer here, in the transcript or on the timeline to see why it took as long as it did.
        </Text>
      </Stack>
    </Paper>
  );
}
