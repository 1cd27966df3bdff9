import { Badge, Group, Mark, Paper, Stack, Table, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import type { KeyboardEvent } from "react";
import { Link } from "react-router";

import { type ConversationSummary, type Hit, isRunning } from "@/api/conversations";
import { counted, span } from "@/parts/format";
import { When } from "@/parts/When";

import { money, STATUS, VERDICT } from "../words";
import classes from "./List.module.css";

interface Props {
  items: ConversationSummary[];
  hits: Map<string, Hit> | undefined;
}

/** The list: a table, on phones cards. Arrow keys go from one to the next. */
export function Rows({ items, hits }: Props) {
  const isNarrow = useMediaQuery("(max-width: 48em)", undefined, { getInitialValueInEffect: false });
  const move = (event: KeyboardEvent<HTMLElement>) => {
    const by = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    if (!by || !(event.target instanceof HTMLAnchorElement)) return;
    const links = [...event.currentTarget.querySelectorAll<HTMLAnchorElement>(`a.${classes["link"] ?? ""}`)];
    const next = links[links.indexOf(event.target) + by];
    if (!next) return;
    event.preventDefault();
    next.focus();
  };
  if (isNarrow)
    return (
      <Stack gap="xs" onKeyDown={move}>
        {items.map((one) => (
          <Card key={one.conversation_id} one={one} hit={hits?.get(one.conversation_id)} />
        ))}
      </Stack>
    );
  return (
    <Paper style={{ overflow: "hidden" }}>
      <Table.ScrollContainer minWidth={840}>
        <Table horizontalSpacing="md" onKeyDown={move}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Conversation</Table.Th>
              <Table.Th>When</Table.Th>
              <Table.Th ta="right">Duration</Table.Th>
              <Table.Th ta="right">Turns</Table.Th>
              <Table.Th>How it ended</Table.Th>
              <Table.Th>Evaluation</Table.Th>
              <Table.Th ta="right">Cost</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {items.map((one) => (
              <Table.Tr key={one.conversation_id} className={classes["row"]}>
                <Table.Td maw={360}>
                  <Name one={one} hit={hits?.get(one.conversation_id)} />
                </Table.Td>
                <Table.Td style={{ whiteSpace: "nowrap" }}>
                  <When at={one.start_time_unix_secs} />
                </Table.Td>
                <Table.Td ta="right" className="numbers" style={{ whiteSpace: "nowrap" }}>
                  {span(one.call_duration_secs || null)}
                </Table.Td>
                <Table.Td ta="right" className="numbers">
                  {one.message_count}
                </Table.Td>
                <Table.Td>
                  <Ending one={one} />
                </Table.Td>
                <Table.Td>
                  <Evaluation one={one} />
                </Table.Td>
                <Table.Td ta="right" className="numbers">
                  {money(one.cost_fiat)}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}

function Name({ one, hit }: { one: ConversationSummary; hit: Hit | undefined }) {
  const title = one.call_summary_title || one.agent_name || one.agent_id;
  const turn = hit ? `?turn=${hit.transcript_index}` : "";
  return (
    <>
      <Link className={classes["link"]} to={`/conversations/${one.conversation_id}${turn}`}>
        <span className={classes["title"]} title={one.call_summary_title ?? undefined}>
          {title}
        </span>
      </Link>
      {one.call_summary_title && (
        <Text size="sm" c="dimmed" truncate>
          {one.agent_name}
        </Text>
      )}
      {hit && (
        <Text size="sm" c="dimmed" className={classes["hit"]}>
          {(hit.chunk_highlights ?? [{ value: hit.chunk_text, is_hit: false }]).map((part, index) =>
            part.is_hit ? <Mark key={index}>{part.value}</Mark> : part.value,
          )}
        </Text>
      )}
    </>
  );
}

function Ending({ one }: { one: ConversationSummary }) {
  const { label, colour } = STATUS[one.status];
  const isPlain = one.status === "done";
  return (
    <Group gap={8} wrap="nowrap">
      {!isPlain && (
        <Badge
          variant={isRunning(one.status) ? "filled" : "light"}
          color={colour}
          tt="none"
          size="sm"
          style={{ flex: "none" }}
          {...(isRunning(one.status) ? {} : { c: "var(--mantine-color-text)" })}
        >
          {label}
        </Badge>
      )}
      <Text size="sm" className={classes["clip"]} title={one.termination_reason}>
        {one.termination_reason || (isPlain ? "No reason stored" : "")}
      </Text>
    </Group>
  );
}

function Evaluation({ one }: { one: ConversationSummary }) {
  const judged = Object.values(one.evaluation_criteria_results ?? {});
  if (one.call_successful === "unknown" && !judged.length)
    return (
      <Text size="sm" c="dimmed">
        –
      </Text>
    );
  const { label, colour } = VERDICT[one.call_successful];
  const reached = judged.filter(({ result }) => result === "success").length;
  return (
    <Group gap={6} wrap="nowrap">
      <Badge variant="light" color={colour} tt="none" size="sm" c="var(--mantine-color-text)">
        {label}
      </Badge>
      {judged.length > 0 && (
        <Text size="xs" c="dimmed" className="numbers" style={{ whiteSpace: "nowrap" }}>
          {reached} of {judged.length}
        </Text>
      )}
    </Group>
  );
}

function Card({ one, hit }: { one: ConversationSummary; hit: Hit | undefined }) {
  return (
    <Paper p="sm" className={classes["card"]}>
      <Group justify="space-between" align="flex-start" wrap="nowrap" gap="xs">
        <div style={{ minWidth: 0 }}>
          <Name one={one} hit={hit} />
        </div>
        <Evaluation one={one} />
      </Group>
      <Group gap={6} mt={4}>
        <Text size="sm" c="dimmed" className="numbers">
          <When at={one.start_time_unix_secs} /> · {span(one.call_duration_secs || null)} ·{" "}
          {counted(one.message_count, "turn")} · {money(one.cost_fiat)}
        </Text>
      </Group>
      <div style={{ marginTop: 4 }}>
        <Ending one={one} />
      </div>
    </Paper>
  );
}
