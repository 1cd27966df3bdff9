import { Anchor, Button, Group, Paper, SegmentedControl, Skeleton, Stack, Text, Title } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { Link, Navigate } from "react-router";

import type { Json, JsonObject } from "@/api/agents";
import { type Dependent, useToolActions } from "@/api/tools";
import { Failure } from "@/parts/Failure";
import { counted } from "@/parts/format";
import { LeavingQuestion } from "@/parts/LeavingQuestion";
import { done } from "@/parts/notices";
import { Page } from "@/parts/Page";
import { UnsavedBar } from "@/parts/UnsavedBar";

import {
  changedPaths,
  changesBetween,
  isObject,
  isSame,
  merged,
  withValue,
} from "../../agents/editor/document";
import { eraseTool } from "../eraseTool";
import { Behaviour, ClientParameters, WhatItIs } from "./fields";
import { Request } from "./Request";
import { TryIt } from "./TryIt";

const JsonBox = lazy(() => import("../../agents/code/JsonBox"));

export interface Draft {
  config: JsonObject;
  set: (path: string, value: Json | undefined) => void;
}

interface Props {
  /** null: it is not stored yet. */
  toolId: string | null;
  stored: JsonObject;
  agents: Dependent[];
}

/** A tool as a form or as JSON, and a place to try it. What the form does not show stays as it is. */
export function ToolEditor({ toolId, stored, agents }: Props) {
  const [{ config }, setState] = useKept(stored);
  const setConfig = (next: JsonObject) => setState({ stored, config: next });
  const [view, setView] = useState("form");
  /** How often all was discarded: the fields begin anew then, with what they keep for themselves. */
  const [discards, setDiscards] = useState(0);
  const { save, remove } = useToolActions();
  /** Where to go without a question: there is nothing left here to lose. */
  const [next, setNext] = useState<string | null>(null);
  const draft: Draft = { config, set: (path, value) => setConfig(withValue(config, path, value)) };
  const isDirty = !isSame(config, stored);
  const isWebhook = config.type === "webhook";
  const name = typeof config.name === "string" ? config.name : "";
  const isNamed = /^[a-zA-Z0-9_-]{1,64}$/.test(name);
  const keep = (then?: () => void) =>
    save.mutate(
      { id: toolId, config },
      {
        onSuccess: (tool) => {
          done(toolId === null ? "The tool is created." : "Saved. New conversations use it from now on.");
          setConfig(tool.tool_config);
          if (then) then();
          else if (toolId === null) setNext(`/tools/${tool.id}`);
        },
      },
    );
  const views = [
    { value: "form", label: "Form" },
    { value: "json", label: "JSON" },
    ...(isWebhook && toolId !== null ? [{ value: "try", label: "Try it" }] : []),
  ];
  if (next !== null) return <Navigate to={next} replace />;
  return (
    <Page
      title={toolId === null ? `New ${String(config.type)} tool` : String(stored.name)}
      trail={[{ label: "Tools", to: "/tools" }]}
      lead={toolId !== null && <UsedBy agents={agents} />}
      actions={
        <>
          {toolId !== null && (
            <Button
              variant="default"
              leftSection={<IconTrash size={16} />}
              onClick={() =>
                eraseTool(
                  name,
                  agents,
                  () => remove.mutateAsync(toolId),
                  () => setNext("/tools"),
                )
              }
            >
              Delete
            </Button>
          )}
          {toolId === null && (
            <Button onClick={() => keep()} loading={save.isPending} disabled={!isNamed}>
              Create
            </Button>
          )}
        </>
      }
    >
      <SegmentedControl
        aria-label="View"
        data={views}
        value={view}
        onChange={setView}
        style={{ alignSelf: "flex-start" }}
      />
      {save.error && <Failure error={save.error} what="The server does not take it like this" />}
      {view === "form" && (
        <Stack key={discards} gap="md" maw={980}>
          <Card title="What it is">
            <WhatItIs draft={draft} isNamed={isNamed || name === ""} />
          </Card>
          {isWebhook && (
            <Card title="The request">
              <Request draft={draft} />
            </Card>
          )}
          {config.type === "client" && (
            <Card title="Parameters">
              <ClientParameters draft={draft} />
            </Card>
          )}
          <Card title="In the conversation">
            <Behaviour draft={draft} />
          </Card>
        </Stack>
      )}
      {view === "json" && (
        <Card title="JSON">
          <Suspense fallback={<Skeleton height={360} />}>
            <JsonBox
              value={config}
              onChange={(value) => isObject(value) && setConfig(value)}
              label="The tool as JSON"
              minHeight={360}
            />
          </Suspense>
        </Card>
      )}
      {view === "try" && toolId !== null && <TryIt toolId={toolId} config={stored} isDirty={isDirty} />}
      {toolId === null ? (
        <LeavingQuestion
          isOpen={isDirty}
          title="Leave without the tool?"
          text="The tool is not created yet: what you have filled in is lost."
          leave="Leave without it"
        />
      ) : (
        <UnsavedBar
          isDirty={isDirty}
          title={counted(changedPaths(stored, config).length, "unsaved change")}
          text={isNamed ? undefined : "The tool needs a name of letters, digits, _ and -."}
          canSave={isNamed}
          isSaving={save.isPending}
          save={keep}
          discard={() => {
            setConfig(stored);
            setDiscards(discards + 1);
          }}
          of="this tool"
        />
      )}
    </Page>
  );
}

export function Card({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper p="lg" component="section" aria-label={title}>
      <Title order={2} fz="md" mb="md">
        {title}
      </Title>
      {children}
    </Paper>
  );
}

/** What is edited; when the stored tool changes meanwhile, what was changed here is put on top of the new one. */
function useKept(stored: JsonObject) {
  const [state, setState] = useState({ stored, config: stored });
  let current = state;
  if (stored !== state.stored) {
    current = { stored, config: merged(stored, changesBetween(state.stored, state.config)) };
    setState(current);
  }
  return [current, setState] as const;
}

function UsedBy({ agents }: { agents: Dependent[] }) {
  if (!agents.length) return <Text c="dimmed">No agent uses it yet.</Text>;
  return (
    <Group gap={6}>
      <span>Used by</span>
      {agents.map((agent) => (
        <Anchor key={agent.id} component={Link} underline="always" to={`/agents/${agent.id}`}>
          {agent.name}
        </Anchor>
      ))}
    </Group>
  );
}
