import { Badge, Button, Group, Paper, Select, Text } from "@mantine/core";
import { IconBroadcast, IconMicrophone } from "@tabler/icons-react";
import { useMemo } from "react";
import { Link, useSearchParams } from "react-router";

import { type LiveConversation, useLive, useWaiting } from "@/api/live";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { counted } from "@/parts/format";
import { Loading } from "@/parts/Loading";
import { Page } from "@/parts/Page";
import { forThisServer } from "@/parts/here";

import { Rows } from "./Rows";
import { Waiting } from "./Waiting";

/** All calls that run, as they go; those that wait for a person on top. */
export function ListPage() {
  const { items, link, isThere } = useLive();
  const waiting = useWaiting();
  const [params, setParams] = useSearchParams();
  const agent = params.get("agent") ?? "";
  const shown = useMemo(
    () => (agent ? items.filter(({ agent_id }) => agent_id === agent) : items),
    [items, agent],
  );
  const waits = useMemo(
    () => waiting.items.filter(({ agent_id }) => !agent || agent_id === agent),
    [waiting.items, agent],
  );
  return (
    <Page
      title="Live"
      lead="What happens in every call now. Open one to listen, to help, or to take it over."
      actions={
        <>
          <LinkBadge kind={link.kind} />
          {(items.length > 0 || agent) && (
            <AgentChoice
              items={items}
              agent={agent}
              choose={(id) => setParams(id ? { agent: id } : {}, { replace: true })}
            />
          )}
        </>
      }
    >
      {link.kind === "away" && <Failure error={link.error} what="The list does not come through" />}
      {waits.length > 0 && <Waiting items={waits} />}
      {!isThere && link.kind !== "away" && <Loading rows={6} height={52} />}
      {isThere && shown.length > 0 && (
        <>
          <Text size="sm" c="dimmed" className="numbers" role="status">
            {summary(shown)}
          </Text>
          <Paper style={{ overflow: "hidden" }}>
            <Rows items={shown} />
          </Paper>
        </>
      )}
      {isThere && items.length === 0 && (
        <EmptyState
          icon={IconBroadcast}
          title="Nobody is calling now"
          text="Calls appear here as they begin. Make one from a terminal, or from this page:"
          command={forThisServer("parola chat")}
          action={
            <Button component={Link} to="/talk" leftSection={<IconMicrophone size={16} />}>
              Talk to an agent
            </Button>
          }
        />
      )}
      {isThere && items.length > 0 && shown.length === 0 && (
        <EmptyState
          icon={IconBroadcast}
          title="Nobody is calling this agent now"
          text={`${counted(items.length, "call")} of other agents ${items.length === 1 ? "runs" : "run"}.`}
          action={
            <Button variant="default" onClick={() => setParams({}, { replace: true })}>
              Show all agents
            </Button>
          }
        />
      )}
    </Page>
  );
}

function summary(items: readonly LiveConversation[]): string {
  const voice = items.filter((one) => one.is_voice).length;
  const taken = items.filter((one) => one.taken_over_by !== null).length;
  const parts = [
    counted(items.length, "conversation"),
    voice > 0 && `${voice.toLocaleString("en")} by voice`,
    taken > 0 && `${taken.toLocaleString("en")} taken over`,
  ];
  return parts.filter(Boolean).join(" · ");
}

const LINKS = {
  connecting: { label: "Connecting", colour: "gray" },
  stream: { label: "As it happens", colour: "teal" },
  polling: { label: "Every 2 seconds", colour: "yellow" },
  away: { label: "Trying again", colour: "red" },
};

function LinkBadge({ kind }: { kind: keyof typeof LINKS }) {
  const { label, colour } = LINKS[kind];
  return (
    <Badge variant="light" color={colour} tt="none" size="lg" fw={500}>
      {label}
    </Badge>
  );
}

interface ChoiceProps {
  items: readonly LiveConversation[];
  agent: string;
  choose: (id: string | null) => void;
}

function AgentChoice({ items, agent, choose }: ChoiceProps) {
  const options = useMemo(() => {
    const names = new Map(items.map((one) => [one.agent_id, one.agent_name]));
    if (agent && !names.has(agent)) names.set(agent, agent);
    return [...names]
      .map(([value, label]) => ({ value, label }))
      .sort((a, b) => a.label.localeCompare(b.label));
  }, [items, agent]);
  return (
    <Group gap="xs">
      <Select
        aria-label="Agent"
        placeholder="All agents"
        data={options}
        value={agent || null}
        onChange={choose}
        clearable
        searchable
        w={220}
      />
    </Group>
  );
}
