import { Badge, Button, Group, MultiSelect, Table, Text, TextInput } from "@mantine/core";
import { useDebouncedValue, useDisclosure } from "@mantine/hooks";
import { IconPlus, IconRobot, IconSearch } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { Link, useSearchParams } from "react-router";

import { type AgentSummary, useAgents } from "@/api/agents";
import { EmptyState } from "@/parts/EmptyState";
import { ListTable } from "@/parts/ListTable";
import { Page } from "@/parts/Page";
import rows from "@/parts/Rows.module.css";
import { When } from "@/parts/When";
import { forThisServer } from "@/parts/here";

import { AgentMenu } from "./AgentMenu";

const NewAgent = lazy(() => import("../templates/NewAgent"));

/** `/agents`: all agents; search and tags are in the address. */
export function AgentList() {
  const [given, setGiven] = useSearchParams();
  const [search, setSearch] = useState(given.get("search") ?? "");
  const [looked] = useDebouncedValue(search, 200);
  const tags = given.getAll("tag");
  const list = useAgents(looked.trim(), tags);
  const everything = useAgents("", []);
  const known = [...new Set([...everything.items.flatMap((agent) => agent.tags), ...tags])].sort();
  const [isCreating, { open, close }] = useDisclosure(given.has("new"));
  const filter = (next: { search?: string; tags?: string[] }) => {
    const query = new URLSearchParams();
    const words = next.search ?? search;
    if (words) query.set("search", words);
    for (const tag of next.tags ?? tags) query.append("tag", tag);
    setGiven(query, { replace: true });
  };
  const isFiltered = Boolean(looked || tags.length);
  return (
    <Page
      title="Agents"
      lead="Who answers: what they say, with which voice and model, and what they may do."
      actions={
        <Button leftSection={<IconPlus size={16} />} onClick={open}>
          New agent
        </Button>
      }
    >
      <Group gap="sm" wrap="wrap">
        <TextInput
          aria-label="Search by name"
          placeholder="Search by name"
          leftSection={<IconSearch size={16} />}
          value={search}
          onChange={(event) => {
            setSearch(event.currentTarget.value);
            filter({ search: event.currentTarget.value });
          }}
          flex="1 1 220px"
          maw={360}
        />
        {known.length > 0 && (
          <MultiSelect
            aria-label="Filter by tag"
            placeholder={tags.length ? undefined : "All tags"}
            data={known}
            value={tags}
            onChange={(value) => filter({ tags: value })}
            clearable
            clearButtonProps={{ "aria-label": "Any tag" }}
            flex="0 1 auto"
            miw={180}
            maw={420}
          />
        )}
      </Group>
      <ListTable
        list={list}
        label="Agents"
        columns={["Name", "Tags", "Calls, 7 days#", "Last call", "Created"]}
        hasActions
        empty={<Nothing isFiltered={isFiltered} create={open} />}
        row={(agent) => <Row key={agent.agent_id} agent={agent} pick={(tag) => filter({ tags: [tag] })} />}
      />
      {isCreating && (
        <Suspense>
          <NewAgent close={close} />
        </Suspense>
      )}
    </Page>
  );
}

function Row({ agent, pick }: { agent: AgentSummary; pick: (tag: string) => void }) {
  return (
    <Table.Tr className={rows.row}>
      <Table.Td className={rows.name}>
        <Link to={`/agents/${agent.agent_id}`} className={rows.link}>
          {agent.name}
        </Link>
        <Text size="xs" c="dimmed" ff="monospace" truncate>
          {agent.agent_id}
        </Text>
      </Table.Td>
      <Table.Td className={rows.wide}>
        <Group gap={4}>
          {agent.tags.map((tag) => (
            <Badge
              key={tag}
              component="button"
              variant="light"
              tt="none"
              fw={500}
              bd="none"
              className={rows.above}
              style={{ cursor: "pointer" }}
              aria-label={`Only agents with the tag ${tag}`}
              onClick={() => pick(tag)}
            >
              {tag}
            </Badge>
          ))}
        </Group>
      </Table.Td>
      <Table.Td className={`numbers ${rows.number}`} data-label="Calls, 7 days">
        {agent.x_calls_7d.toLocaleString("en")}
      </Table.Td>
      <Table.Td data-label="Last call">
        {agent.last_call_time_unix_secs === null ? (
          <Text c="dimmed" inherit span>
            never
          </Text>
        ) : (
          <When at={agent.last_call_time_unix_secs} />
        )}
      </Table.Td>
      <Table.Td data-label="Created">
        <When at={agent.created_at_unix_secs} />
      </Table.Td>
      <Table.Td className={rows.corner}>
        <Group className={rows.above} gap={4} wrap="nowrap" justify="flex-end">
          <Button component={Link} to={`/talk/${agent.agent_id}`} variant="default" size="xs">
            Talk
          </Button>
          <AgentMenu agent={agent} />
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

function Nothing({ isFiltered, create }: { isFiltered: boolean; create: () => void }) {
  return isFiltered ? (
    <EmptyState
      icon={IconSearch}
      title="No agent is like that"
      text="Search for another part of the name, or take tags out of the filter."
    />
  ) : (
    <EmptyState
      icon={IconRobot}
      title="No agents yet"
      text="Create one from a template, or bring one as JSON from the command line."
      command={forThisServer("parola agents create my-agent.json")}
      action={<Button onClick={create}>New agent</Button>}
    />
  );
}
