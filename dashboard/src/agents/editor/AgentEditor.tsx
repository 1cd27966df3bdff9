import { Badge, Button, CopyButton, Group, Text, Tooltip, UnstyledButton } from "@mantine/core";
import { IconCheck, IconCopy, IconMicrophone } from "@tabler/icons-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { Link, Navigate, useParams, useSearchParams } from "react-router";

import { type Agent, useAgent } from "@/api/agents";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";
import { Page } from "@/parts/Page";
import { When } from "@/parts/When";

import { AgentMenu } from "../list/AgentMenu";
import { AgentUnsavedBar } from "./AgentUnsavedBar";
import { DraftProvider, useDraftOf } from "./draft";
import classes from "./Editor.module.css";
import { SectionIndex, SectionJump } from "./SectionIndex";
import { sectionOf } from "./sections";

const TRAIL = [{ label: "Agents", to: "/agents" }];

const VIEWS = {
  basics: lazy(() => import("../sections/Basics")),
  voice: lazy(() => import("../sections/Voice")),
  model: lazy(() => import("../sections/Model")),
  "turn-taking": lazy(() => import("../sections/TurnTaking")),
  tools: lazy(() => import("../sections/Tools")),
  knowledge: lazy(() => import("../sections/Knowledge")),
  languages: lazy(() => import("../sections/Languages")),
  personalisation: lazy(() => import("../sections/Personalisation")),
  workflow: lazy(() => import("../sections/Workflow")),
  security: lazy(() => import("../sections/Security")),
  privacy: lazy(() => import("../sections/Privacy")),
  evaluation: lazy(() => import("../sections/Evaluation")),
  widget: lazy(() => import("../sections/Widget")),
  advanced: lazy(() => import("../sections/Advanced")),
  connect: lazy(() => import("../views/Connect")),
  json: lazy(() => import("../views/JsonView")),
  changes: lazy(() => import("../views/Changes")),
  versions: lazy(() => import("../views/Versions")),
};

/** `/agents/:agentId`: every setting of an agent, as one draft that is saved as a whole. */
export default function AgentEditor() {
  const { agentId = "" } = useParams();
  const { data: agent, error, refetch } = useAgent(agentId);
  if (agent) return <Editing key={agentId} agent={agent} />;
  return (
    <Page title="Agent" trail={TRAIL}>
      {error ? <Failure error={error} retry={() => void refetch()} /> : <Loading rows={8} />}
    </Page>
  );
}

function Editing({ agent }: { agent: Agent }) {
  const draft = useDraftOf(agent);
  const [isGone, setGone] = useState(false);
  const [given] = useSearchParams();
  const section = sectionOf(given.get("section"));
  const View = VIEWS[(section?.id ?? "basics") as keyof typeof VIEWS];
  const top = useTopOf(section?.id);
  // What was not saved goes with the agent: nobody is asked.
  if (isGone) return <Navigate to="/agents" replace />;
  return (
    <DraftProvider value={draft}>
      <Page
        title={agent.name}
        trail={TRAIL}
        lead={
          <Group gap="xs">
            <AgentId agentId={agent.agent_id} />
            {agent.tags.map((tag) => (
              <Badge key={tag} variant="light" tt="none" fw={500}>
                {tag}
              </Badge>
            ))}
            <Text size="sm" span>
              Saved <When at={agent.metadata.updated_at_unix_secs} />
            </Text>
          </Group>
        }
        actions={
          <>
            <Button
              component={Link}
              to={`/talk/${agent.agent_id}`}
              leftSection={<IconMicrophone size={16} />}
              variant={draft.isDirty ? "default" : "filled"}
            >
              Talk
            </Button>
            <AgentMenu agent={agent} removed={() => setGone(true)} />
          </>
        }
      >
        <SectionJump />
        <div className={classes.layout}>
          <SectionIndex />
          <div ref={top} className={classes.section}>
            <Suspense fallback={<Loading rows={6} />}>
              <View key={section?.id} />
            </Suspense>
            <AgentUnsavedBar />
          </div>
        </div>
      </Page>
    </DraftProvider>
  );
}

/** So much of the page is under the header. */
const HEADER = 56;

/** For what holds the section: another one is shown from its top, where the last one was scrolled down. */
function useTopOf(section: string | undefined) {
  const place = useRef<HTMLDivElement>(null);
  const shown = useRef(section);
  useEffect(() => {
    if (shown.current === section) return;
    shown.current = section;
    const top = place.current?.getBoundingClientRect().top ?? HEADER;
    if (top < HEADER) place.current?.scrollIntoView();
  }, [section]);
  return place;
}

function AgentId({ agentId }: { agentId: string }) {
  return (
    <CopyButton value={agentId}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? "Copied" : "Copy the id"}>
          <UnstyledButton onClick={copy} aria-label={`Copy the id ${agentId}`}>
            <Group gap={4} wrap="nowrap">
              <Text size="sm" ff="monospace" c="dimmed" style={{ overflowWrap: "anywhere" }}>
                {agentId}
              </Text>
              {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
            </Group>
          </UnstyledButton>
        </Tooltip>
      )}
    </CopyButton>
  );
}
