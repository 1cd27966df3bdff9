import { ActionIcon, Badge, Box, Table, Tooltip } from "@mantine/core";
import {
  IconHandStop,
  IconKeyboard,
  IconPaperclip,
  IconThumbDown,
  IconThumbDownFilled,
  IconThumbUp,
  IconThumbUpFilled,
} from "@tabler/icons-react";

import type { Latency } from "@/api/talk";
import { counted, span } from "@/parts/format";

import classes from "./Talk.module.css";
import { type AgentTurn, heardAndNot, type UserTurn } from "./transcript";

interface Props {
  turn: UserTurn | AgentTurn;
  latency: Latency | undefined;
  onRate: ((eventId: number, score: "like" | "dislike" | null) => void) | undefined;
}

/** One turn of one side. */
export function Said({ turn, latency, onRate }: Props) {
  return (
    <Box className={`${classes.turn} ${classes[turn.kind]}`} data-turn={turn.kind}>
      <div className={`${classes.bubble} ${turn.isPartial && turn.kind === "user" ? classes.partial : ""}`}>
        {turn.kind === "agent" && turn.heard !== null ? (
          <Heard text={turn.text} heard={turn.heard} />
        ) : (
          turn.text || "…"
        )}
      </div>
      <div className={classes.meta}>
        {turn.kind === "user" ? <UserMeta turn={turn} /> : <AgentMeta {...{ turn, latency, onRate }} />}
      </div>
    </Box>
  );
}

function Heard({ text, heard }: { text: string; heard: string }) {
  const [known, missed] = heardAndNot(text, heard);
  return (
    <>
      {known}
      {missed && (
        <del className={classes.unheard} title="Not heard any more">
          {missed}
        </del>
      )}
    </>
  );
}

function UserMeta({ turn }: { turn: UserTurn }) {
  return (
    <>
      <span>You{turn.isPartial && ", so far"}</span>
      {turn.isTyped && <IconKeyboard size={14} aria-label="typed" role="img" />}
      {turn.files > 0 && (
        <span>
          <IconPaperclip size={13} aria-hidden="true" /> {counted(turn.files, "file")}
        </span>
      )}
    </>
  );
}

function AgentMeta({ turn, latency, onRate }: { turn: AgentTurn } & Omit<Props, "turn">) {
  const { eventId, rating } = turn;
  return (
    <>
      <span>{turn.isByPerson ? "A person" : "Agent"}</span>
      <AnswerTime turn={turn} latency={latency} />
      {turn.isInterrupted && (
        <Badge size="sm" variant="light" color="orange" tt="none" leftSection={<IconHandStop size={12} />}>
          Interrupted
        </Badge>
      )}
      {onRate && eventId !== null && turn.isWhole && (
        <span>
          <ActionIcon
            size="sm"
            variant="subtle"
            color={rating === "like" ? "teal" : "gray"}
            aria-label="Good answer"
            aria-pressed={rating === "like"}
            onClick={() => onRate(eventId, rating === "like" ? null : "like")}
          >
            {rating === "like" ? <IconThumbUpFilled size={14} /> : <IconThumbUp size={14} />}
          </ActionIcon>
          <ActionIcon
            size="sm"
            variant="subtle"
            color={rating === "dislike" ? "red" : "gray"}
            aria-label="Bad answer"
            aria-pressed={rating === "dislike"}
            onClick={() => onRate(eventId, rating === "dislike" ? null : "dislike")}
          >
            {rating === "dislike" ? <IconThumbDownFilled size={14} /> : <IconThumbDown size={14} />}
          </ActionIcon>
        </span>
      )}
    </>
  );
}

const STEPS: [string, string][] = [
  ["end_of_turn", "Deciding that you had finished"],
  ["retrieval", "Searching the knowledge base"],
  ["llm", "Language model, first words"],
  ["sentence", "Its first sentence"],
  ["tts", "Voice"],
  ["send", "Sending"],
];

/**
 * How long the user waited: as the server measured it, from the end of the user's speech and step by step; until that
 * is known, from when the user's words arrived here.
 */
function AnswerTime({ turn, latency }: { turn: AgentTurn; latency: Latency | undefined }) {
  if (turn.askedAt === null || (turn.answeredAt === null && !latency)) return null;
  const seen = Math.max(0, (turn.answeredAt ?? 0) - turn.askedAt);
  const total = latency?.total;
  const label = total === undefined ? `${span(seen)} after your words` : `answered in ${span(total)}`;
  if (!latency) return <span className="numbers">{label}</span>;
  return (
    <Tooltip
      label={
        <Table
          verticalSpacing={1}
          horizontalSpacing={6}
          withRowBorders={false}
          highlightOnHover={false}
          fz="xs"
        >
          <Table.Tbody>
            {STEPS.filter(([name]) => latency[name] !== undefined).map(([name, words]) => (
              <Table.Tr key={name}>
                <Table.Td>{words}</Table.Td>
                <Table.Td ta="right" className="numbers">
                  {span(latency[name])}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      }
    >
      <span className="numbers" tabIndex={0} style={{ textDecoration: "underline dotted" }}>
        {label}
      </span>
    </Tooltip>
  );
}
