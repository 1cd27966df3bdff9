import { Paper, Text } from "@mantine/core";
import { memo, useEffect, useRef } from "react";

import { type AgentTurn, heardAndNot, type Item, type ToolCall, type UserTurn } from "@/talk/transcript";

import classes from "./Call.module.css";
import type { Feed, Injected } from "./feed";
import { ToolItem } from "./ToolItem";
import type { Controls } from "./useControls";

interface Props {
  feed: Feed;
  /** What an operator may do here; null: nothing any more. */
  controls: Controls | null;
}

/** What is said and done, as it comes; the newest stays in sight unless the reader has scrolled away. */
export function Transcript({ feed, controls }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const { call, injected } = feed;
  useEffect(() => {
    if (isAtEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [call]);
  return (
    <div
      ref={box}
      className={classes["transcript"]}
      tabIndex={0}
      role="log"
      aria-label="Transcript"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < 60;
      }}
    >
      {feed.dropped > 0 && (
        <Text size="sm" c="dimmed" ta="center">
          The first {feed.dropped.toLocaleString("en")} events are not kept any more.
        </Text>
      )}
      {call.items.length === 0 && (
        <Text size="sm" c="dimmed" ta="center" py="xl">
          Nothing has been said yet.
        </Text>
      )}
      {call.items.map((item) => (
        <One
          key={`${item.kind}-${item.id}`}
          item={item}
          by={item.eventId === null ? undefined : injected.get(item.eventId)}
          controls={item.kind === "tool" && isWaiting(item) ? controls : null}
        />
      ))}
    </div>
  );
}

const isWaiting = ({ state }: ToolCall) => state === "waiting" || state === "approval";

interface OneProps {
  item: Item;
  by: Injected | undefined;
  controls: Controls | null;
}

const One = memo(function One({ item, by, controls }: OneProps) {
  switch (item.kind) {
    case "note":
      return (
        <div className={classes["note"]} data-tone={item.tone}>
          {item.text}
        </div>
      );
    case "tool":
      return (
        <Paper p="sm" radius="md" role="group" aria-label={`Tool call ${item.name}`}>
          <ToolItem call={item} controls={controls} />
        </Paper>
      );
    default:
      return <Turn turn={item} by={by} />;
  }
});

function Turn({ turn, by }: { turn: UserTurn | AgentTurn; by: Injected | undefined }) {
  const isPerson = by?.kind === "human_message" || by?.kind === "voice";
  return (
    <div
      className={classes["turn"]}
      data-role={turn.kind === "agent" && isPerson ? "person" : turn.kind}
      data-partial={turn.isPartial && turn.kind === "user"}
    >
      <div className={classes["bubble"]}>
        {turn.kind === "agent" && turn.heard !== null ? (
          <Heard text={turn.text} heard={turn.heard} />
        ) : (
          turn.text || "…"
        )}
      </div>
      <div className={classes["meta"]}>
        <span>{turn.kind === "user" ? userName(turn, by) : agentName(by)}</span>
        {turn.kind === "agent" && turn.isInterrupted && <span>Interrupted</span>}
        {turn.kind === "user" && turn.isPartial && <span>so far</span>}
      </div>
    </div>
  );
}

function Heard({ text, heard }: { text: string; heard: string }) {
  const [known, missed] = heardAndNot(text, heard);
  return (
    <>
      {known}
      {missed && (
        <del className={classes["unheard"]} title="Not heard any more">
          {missed}
        </del>
      )}
    </>
  );
}

const named = (name: string) => name || "Somebody";

const userName = (turn: UserTurn, by: Injected | undefined) =>
  by ? `${named(by.by)}, as the caller` : turn.isTyped ? "Caller, typed" : "Caller";

function agentName(by: Injected | undefined): string {
  if (!by) return "Agent";
  if (by.kind === "agent_message") return `Agent, words of ${named(by.by)}`;
  return by.kind === "voice" ? `${named(by.by)}, by voice` : named(by.by);
}
