import { Badge, Button, Group, Paper, Select, Stack, Text, Title, UnstyledButton } from "@mantine/core";
import { lazy, Suspense, useState } from "react";

import { type AgentVersion, useAgentActions, useAgentAt, useVersions } from "@/api/agents";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";
import { LoadMore } from "@/parts/LoadMore";
import { confirm, done, failed } from "@/parts/notices";
import { When } from "@/parts/When";

import { changedPaths, documentOf } from "../editor/document";
import { useDraft } from "../editor/draft";
import classes from "./views.module.css";

const DiffView = lazy(() => import("../code/DiffView"));

/** Every save of the agent: compared with another, and brought back. */
export default function Versions() {
  const { agent } = useDraft();
  const list = useVersions(agent.agent_id);
  const [chosen, setChosen] = useState<string | null>(null);
  const [other, setOther] = useState<string | null>(null);
  const current = list.items.find(({ is_current }) => is_current);
  const open = list.items.find(({ id }) => id === chosen);
  return (
    <Stack gap="md">
      <div>
        <Title order={2} fz="h3">
          Versions
        </Title>
        <Text c="dimmed" size="sm" mt={2}>
          Each save is one; the newest 200 are kept. Choose one to see what has changed since.
        </Text>
      </div>
      {list.error ? (
        <Failure error={list.error} retry={list.refetch} />
      ) : list.isPending ? (
        <Loading rows={4} />
      ) : (
        <Paper p="xs">
          {list.items.map((version) => (
            <UnstyledButton
              key={version.id}
              className={classes.version}
              aria-pressed={version.id === chosen}
              onClick={() => setChosen(version.id === chosen ? null : version.id)}
            >
              <Text fw={600} className="numbers" span>
                {version.seq_no_in_branch}
              </Text>
              <Text size="sm" span truncate>
                {version.version_description || (
                  <Text span c="dimmed" inherit>
                    {version.seq_no_in_branch === 1 ? "Created" : "Saved"}
                  </Text>
                )}
              </Text>
              <Group gap="xs" wrap="nowrap">
                {version.is_current && (
                  <Badge variant="light" color="teal" tt="none">
                    current
                  </Badge>
                )}
                <Text size="sm" c="dimmed" span>
                  <When at={version.time_committed_secs} />
                </Text>
              </Group>
            </UnstyledButton>
          ))}
          <LoadMore list={list} />
        </Paper>
      )}
      {open && current && (
        <Comparison
          version={open}
          against={list.items.find(({ id }) => id === other && id !== open.id) ?? current}
          all={list.items}
          choose={setOther}
        />
      )}
    </Stack>
  );
}

const named = (version: AgentVersion) =>
  `Version ${version.seq_no_in_branch}${version.is_current ? " (current)" : ""}`;

function Comparison({
  version,
  against,
  all,
  choose,
}: {
  version: AgentVersion;
  against: AgentVersion;
  all: AgentVersion[];
  choose: (id: string | null) => void;
}) {
  const { agent, isDirty } = useDraft();
  const { restore } = useAgentActions();
  const one = useAgentAt(agent.agent_id, version.id);
  const other = useAgentAt(agent.agent_id, against.id);
  const error = one.error ?? other.error;
  const ask = () =>
    confirm(
      `Bring version ${version.seq_no_in_branch} back?`,
      `The agent becomes what it was, as a new version: nothing is lost.${isDirty ? " Your unsaved changes stay on top of it." : ""}`,
      "Bring it back",
      () =>
        restore.mutate(
          { agentId: agent.agent_id, versionId: version.id },
          {
            onSuccess: () => done(`Version ${version.seq_no_in_branch} is back.`),
            onError: (problem) => failed(problem),
          },
        ),
    );
  if (error) return <Failure error={error} />;
  if (!one.data || !other.data) return <Loading rows={4} />;
  const [before, after] = [documentOf(one.data), documentOf(other.data)];
  const count = changedPaths(before, after).length;
  return (
    <Stack gap="sm">
      <Group justify="space-between" align="flex-end" gap="sm">
        <Group align="flex-end" gap="sm">
          <Title order={3} fz="md" lh="36px">
            {named(version)}, compared with
          </Title>
          <Select
            aria-label="Compare with"
            size="sm"
            w={210}
            data={all
              .filter(({ id }) => id !== version.id || all.length === 1)
              .map((one) => ({ value: one.id, label: named(one) }))}
            value={against.id === version.id ? null : against.id}
            placeholder="another version"
            allowDeselect={false}
            onChange={choose}
          />
        </Group>
        {!version.is_current && (
          <Button size="sm" variant="light" loading={restore.isPending} onClick={ask}>
            Bring version {version.seq_no_in_branch} back
          </Button>
        )}
      </Group>
      <Text size="sm" c="dimmed">
        {count === 0 ? "Nothing differs." : count === 1 ? "1 setting differs." : `${count} settings differ.`}
      </Text>
      {count > 0 && (
        <Suspense fallback={<Loading rows={4} />}>
          <DiffView before={before} after={after} labels={[named(version), named(against)]} />
        </Suspense>
      )}
    </Stack>
  );
}
