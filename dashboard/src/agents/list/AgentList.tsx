import {
  Badge,
  Button,
  Group,
  MultiSelect,
  Paper,
  Table,
  Text,
  TextInput,
  VisuallyHidden,
} from "@mantine/core";
import { useDebouncedValue, useDisclosure } from "@mantine/hooks";
import { IconPlus, IconRobot, IconSearch } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";

import { type AgentSummary, useAgents } from "@/api/agents";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";
import { LoadMore } from "@/parts/LoadMore";
import { Page } from "@/parts/Page";
import { When } from "@/parts/When";

import classes from "./AgentList.module.css";
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
          className={classes.search}
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
            className={classes.tags}
          />
        )}
      </Group>
      {list.error ? (
        <Failure error={list.error} retry={list.refetch} />
      ) : list.isPending ? (
        <Loading rows={6} height={52} />
      ) : list.items.length === 0 ? (
        <Nothing isFiltered={isFiltered} create={open} />
      ) : (
        <Paper className={classes.frame}>
          <Table className={classes.table} horizontalSpacing="md" aria-label="Agents">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Tags</Table.Th>
                <Table.Th className={classes.number}>Calls, 7 days</Table.Th>
                <Table.Th>Last call</Table.Th>
                <Table.Th>Created</Table.Th>
                <Table.Th>
                  <VisuallyHidden>Actions</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {list.items.map((agent) => (
                <Row key={agent.agent_id} agent={agent} pick={(tag) => filter({ tags: [tag] })} />
              ))}
            </Table.Tbody>
          </Table>
        </Paper>
      )}
      <LoadMore list={list} />
      {isCreating && (
        <Suspense>
          <NewAgent close={close} />
        </Suspense>
      )}
    </Page>
  );
}

function Row({ agent, pick }: { agent: AgentSummary; pick: (tag: string) => void }) {
  const navigate = useNavigate();
  return (
    <Table.Tr className={classes.row} onClick={() => void navigate(`/agents/${agent.agent_id}`)}>
      <Table.Td className={classes.name}>
        <Link
          to={`/agents/${agent.agent_id}`}
          className={classes.link}
          onClick={(event) => event.stopPropagation()}
        >
          {agent.name}
        </Link>
        <Text size="xs" c="dimmed" ff="monospace" truncate>
          {agent.agent_id}
        </Text>
      </Table.Td>
      <Table.Td className={classes.tagCell}>
        <Group gap={4}>
          {agent.tags.map((tag) => (
            <Badge
              key={tag}
              component="button"
              variant="light"
              tt="none"
              fw={500}
              className={classes.tag}
              aria-label={`Only agents with the tag ${tag}`}
              onClick={(event) => {
                event.stopPropagation();
                pick(tag);
              }}
            >
              {tag}
            </Badge>
          ))}
        </Group>
      </Table.Td>
      <Table.Td className={`numbers ${classes.number}`} data-label="Calls, 7 days">
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
      <Table.Td className={classes.actions} onClick={(event) => event.stopPropagation()}>
        <Group gap={4} wrap="nowrap" justify="flex-end">
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
      command="parola agents create my-agent.json"
      action={<Button onClick={create}>New agent</Button>}
    />
  );
}
