import { memo } from "react";

import type { Turn } from "@/api/conversations";
import { readable, SPEAKERS } from "@/parts/colours";
import { span } from "@/parts/format";

import type { Answer } from "../timeline/answers";
import { momentText } from "../timeline/view";
import { cut } from "./cut";
import { RetrievalFold, ToolFold } from "./Fold";
import { Latency } from "./Latency";
import classes from "./Transcript.module.css";

interface Props {
  turn: Turn;
  index: number;
  at: number;
  answer: Answer | null;
  isSelected: boolean;
  isCurrent: boolean;
  opened: ReadonlySet<string>;
  toggle: (id: string) => void;
  select: (turn: number) => void;
  playFrom: (at: number) => void;
}

/** One turn of the transcript, with everything that belongs to it. */
export const TurnRow = memo(function TurnRow(props: Props) {
  const { turn, index, at, answer, opened, toggle } = props;
  const results = new Map(turn.tool_results.map((result) => [result.request_id, result]));
  return (
    // The keyboard goes from turn to turn on the timeline and with the buttons inside: a click is a short cut.
    <div
      className={classes["turn"]}
      data-selected={props.isSelected}
      data-current={props.isCurrent}
      data-turn={index}
      onClick={() => props.select(index)}
    >
      <button
        type="button"
        className={`numbers ${classes["time"]}`}
        aria-label={`Play from ${momentText(at, 1)}`}
        onClick={(event) => {
          event.stopPropagation();
          props.select(index);
          props.playFrom(at);
        }}
      >
        {momentText(at, 1)}
      </button>
      <div className={classes["head"]}>
        <Speaker turn={turn} />
        <Notes turn={turn} />
      </div>
      {answer ? <Latency answer={answer} /> : <span />}
      <Message turn={turn} />
      {(turn.tool_calls.length > 0 || turn.rag_retrieval_info || turn.file_inputs.length > 0) && (
        <div className={classes["extra"]} onClick={(event) => event.stopPropagation()}>
          {turn.rag_retrieval_info && (
            <div className={classes["one"]}>
              <RetrievalFold
                found={turn.rag_retrieval_info}
                isOpen={opened.has(`${index}/rag`)}
                toggle={() => toggle(`${index}/rag`)}
              />
            </div>
          )}
          {turn.tool_calls.map((call, place) => (
            <div key={`${call.request_id}/${place}`} className={classes["one"]}>
              <ToolFold
                call={call}
                result={results.get(call.request_id) ?? null}
                isOpen={opened.has(`${index}/${place}`)}
                toggle={() => toggle(`${index}/${place}`)}
              />
            </div>
          ))}
          {turn.file_inputs.map((file) => (
            <div key={file.file_id} className={classes["small"]}>
              File: {file.original_filename} ({file.mime_type})
            </div>
          ))}
        </div>
      )}
    </div>
  );
});

function Speaker({ turn }: { turn: Turn }) {
  const injected = turn.x_injected_by;
  if (turn.contextual_update_info !== null || injected?.type === "contextual_update")
    return <Name colour="gray" name="Background" />;
  if (turn.role === "user") return <Name colour={SPEAKERS.user} name="User" />;
  if (injected) return <Name colour={SPEAKERS.operator} name={injected.by || "Operator"} />;
  return <Name colour={SPEAKERS.agent} name="Agent" />;
}

const Name = ({ colour, name }: { colour: string; name: string }) => (
  <span className={classes["speaker"]} style={{ color: readable(colour) }}>
    {name}
  </span>
);

/** What is special about a turn, each in a word or two. */
function Notes({ turn }: { turn: Turn }) {
  const injected = turn.x_injected_by;
  const cutAt = turn.x_timeline?.interrupted_secs;
  const told: [string, string][] = [];
  if (turn.interrupted)
    told.push(["red", cutAt === undefined ? "interrupted" : `interrupted at ${momentText(cutAt, 1)}`]);
  if (turn.ignored_as_backchannel) told.push(["gray", "left the floor to the agent"]);
  if (turn.platform_event) told.push(["gray", "said nothing"]);
  if (turn.role === "user" && turn.source_medium === "text") told.push(["gray", "typed"]);
  if (injected)
    told.push([
      SPEAKERS.operator,
      turn.role === "user"
        ? `put in by ${injected.role_label || injected.by}`
        : injected.type === "human_speech" || injected.type === "human_message"
          ? `a person${injected.type === "human_message" ? ", in writing" : ""}`
          : `put in by ${injected.role_label || injected.by}`,
    ]);
  for (const guardrail of turn.triggered_guardrails)
    told.push(["red", `guardrail: ${guardrail.guardrail_name ?? guardrail.guardrail_type ?? "triggered"}`]);
  if (turn.feedback) told.push([turn.feedback.score === "like" ? "teal" : "red", turn.feedback.score]);
  if (turn.agent_metadata?.workflow_node_id)
    told.push(["gray", `node ${turn.agent_metadata.workflow_node_id}`]);
  return told.map(([colour, text]) => (
    <span
      key={text}
      className={classes["note"]}
      style={{ background: `var(--mantine-color-${colour}-light)` }}
    >
      {text}
    </span>
  ));
}

function Message({ turn }: { turn: Turn }) {
  if (turn.message === null) {
    return turn.original_message ? (
      <div className={classes["message"]}>
        <s className={classes["cut"]}>{turn.original_message}</s>
      </div>
    ) : null;
  }
  if (turn.platform_event) return null;
  const { heard, rest } = turn.original_message
    ? cut(turn.message, turn.original_message)
    : { heard: turn.message, rest: "" };
  return (
    <div className={classes["message"]}>
      {heard}
      {rest && (
        <s className={classes["cut"]} title="This was not heard">
          {rest}
        </s>
      )}
      {turn.reasoning.map(({ summary }) => (
        <div key={summary} className={classes["small"]}>
          Thought: {summary}
        </div>
      ))}
      {turn.x_timeline?.speech_stopped_secs === undefined &&
        turn.role === "agent" &&
        turn.x_timeline?.first_audio_sent_secs === undefined &&
        turn.x_timeline?.first_token_secs !== undefined &&
        turn.x_timeline.asked_secs !== undefined && (
          <div className={`numbers ${classes["small"]}`}>
            First word after {span(turn.x_timeline.first_token_secs - turn.x_timeline.asked_secs)}
          </div>
        )}
    </div>
  );
}
