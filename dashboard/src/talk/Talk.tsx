import { Badge, Box, Paper, Stack, Tabs } from "@mantine/core";
import { IconMicrophone } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { Link, useSearchParams } from "react-router";

import { agentKey, type Agent, type JsonObject } from "@/api/agents";
import { api } from "@/api/client";
import { useToolConfigs } from "@/api/talk";
import { at } from "@/agents/editor/document";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { LeavingQuestion } from "@/parts/LeavingQuestion";
import { Loading } from "@/parts/Loading";
import { forThisServer } from "@/parts/here";

import { Composer } from "./Composer";
import { Ended } from "./Ended";
import { Frames } from "./Frames";
import { Recent } from "./Recent";
import {
  type ClientTool,
  clientTool,
  countSet,
  missingVariables,
  NO_SETUP,
  problemsOf,
  type Setup,
  variableField,
} from "./setup";
import { SetupForm } from "./SetupForm";
import { Stage } from "./Stage";
import classes from "./Talk.module.css";
import { Transcript } from "./Transcript";
import { useCall } from "./useCall";

const HINT =
  "Try “What are your opening hours?”, “A table for two, tomorrow at eight” or “Show me a message saying hello”.";

const TEXT_ONLY = "This agent is for text only (conversation.text_only): it has no voice.";

const MICROPHONE = "parola-talk-microphone";

interface Props {
  agentId: string;
  isLoading: boolean;
  error: Error | null;
  onAgent: (agentId: string) => void;
  onAbandon: () => void;
}

export function Talk({ agentId, isLoading, error, onAgent, onAbandon }: Props) {
  const agent = useQuery({
    queryKey: agentKey(agentId),
    queryFn: ({ signal }) => api.get<Agent>(`/v1/convai/agents/${encodeURIComponent(agentId)}`, {}, signal),
    enabled: agentId !== "",
  });
  const document = agent.data as unknown as JsonObject | undefined;
  const tools = useClientTools(document);
  const [setup, change] = useSetup(agentId);
  const [microphone, setMicrophone] = useState(() => localStorage.getItem(MICROPHONE));
  const state = useCall(agentId, setup, microphone, onAbandon);
  const { phase } = state;
  const hasBegun = phase !== "idle";
  const [tab, setTab] = useState("setup");
  const [tabPhase, setTabPhase] = useState(phase);
  const missing = document ? missingVariables(document, setup) : [];
  const isRefused = phase === "ended" && state.startedAt === null;
  if (tabPhase !== phase) {
    setTabPhase(phase);
    // A call that lacks a variable is refused: then one stays where it is filled in.
    if (phase === "starting") setTab(missing.length ? "setup" : "frames");
  }
  useFocusOn(isRefused ? missing[0] : undefined, isRefused);
  useStartOfItself(agent.isSuccess, state.start);

  if (error) return <Failure error={error} />;
  if (isLoading) return <Loading rows={3} height={160} />;
  if (!agentId) {
    return (
      <EmptyState
        icon={IconMicrophone}
        title="There is no agent yet"
        text={
          <>
            Make one on the page <Link to="/agents">Agents</Link>, or here:
          </>
        }
        command={forThisServer("parola agents create my-agent.json")}
      />
    );
  }
  const isTextOnly = at(document, "conversation_config.conversation.text_only") === true;
  const problems = Object.keys(problemsOf(setup)).length;
  const chooseMicrophone = (id: string | null) => {
    setMicrophone(id);
    if (id) localStorage.setItem(MICROPHONE, id);
    else localStorage.removeItem(MICROPHONE);
  };
  return (
    <div className={classes.columns}>
      <LeavingQuestion
        isOpen={phase === "starting" || phase === "running"}
        title="Leave the call?"
        text="The call runs in this page: it ends when you leave."
        stay="Stay in the call"
        leave="End the call and leave"
      />
      <Stack gap="md" miw={0}>
        {agent.error && <Failure error={agent.error} retry={() => void agent.refetch()} />}
        <Stage
          state={state}
          agentId={agentId}
          onAgent={onAgent}
          hint={isTextOnly ? TEXT_ONLY : agentId === "agent_demo" ? HINT : undefined}
          obstacle={
            agent.error
              ? "This agent cannot be called."
              : problems
                ? "Something under “Before the call” is not right yet."
                : null
          }
          isTextOnly={isTextOnly}
          microphone={microphone}
          onMicrophone={chooseMicrophone}
        />
        {!hasBegun && <Recent agentId={agentId} />}
        {phase === "ended" && <Ended state={state} />}
        {hasBegun && (phase !== "ended" || state.call.items.length > 0) && (
          <Transcript state={state} tools={tools}>
            {phase === "running" && (
              <Composer
                conversationId={state.call.conversationId}
                takesFiles={at(document, "conversation_config.conversation.file_input.enabled") !== false}
              />
            )}
          </Transcript>
        )}
      </Stack>
      <Paper className={classes.beside} style={{ overflow: "hidden" }}>
        <Tabs value={tab} onChange={(value) => setTab(value ?? "frames")}>
          <Tabs.List>
            <Tabs.Tab
              value="setup"
              rightSection={
                countSet(setup) > 0 && (
                  <Badge size="sm" variant="light" tt="none">
                    {countSet(setup)} set
                  </Badge>
                )
              }
            >
              Before the call
            </Tabs.Tab>
            <Tabs.Tab value="frames">Frames</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="setup">
            <Box p="xs" className={classes.setup}>
              {agent.data ? (
                <SetupForm
                  agent={agent.data}
                  tools={tools}
                  setup={setup}
                  onChange={change}
                  isRefused={isRefused}
                />
              ) : (
                !agent.error && <Loading rows={4} />
              )}
            </Box>
          </Tabs.Panel>
          <Tabs.Panel value="frames">
            <Frames log={state.log} name={state.call.conversationId ?? "frames"} />
          </Tabs.Panel>
        </Tabs>
      </Paper>
    </div>
  );
}

/** When a call was refused, the field of the variable that it lacked; not of the next one while that is filled in. */
function useFocusOn(variable: string | undefined, isRefused: boolean) {
  const wanted = useRef(variable);
  useEffect(() => {
    wanted.current = variable;
  }, [variable]);
  useEffect(() => {
    if (isRefused && wanted.current !== undefined)
      window.document.getElementById(variableField(wanted.current))?.focus();
  }, [isRefused]);
}

/** The tools that the agent expects its client to run, those kept apart from it included. */
function useClientTools(document: JsonObject | undefined): ClientTool[] {
  const listed = at(document, "conversation_config.agent.prompt.tool_ids");
  const inline = at(document, "conversation_config.agent.prompt.tools");
  const ids = Array.isArray(listed) ? listed.filter((id): id is string => typeof id === "string") : [];
  const kept = useToolConfigs(ids);
  const found = [...(Array.isArray(inline) ? inline : []), ...kept].flatMap(
    (config) => clientTool(config) ?? [],
  );
  return [...new Map(found.map((tool) => [tool.name, tool])).values()];
}

/** The form of each agent, kept while the browser's tab is open. */
function useSetup(agentId: string): [Setup, (part: Partial<Setup>) => void] {
  const name = `parola-talk-setup ${agentId}`;
  const [setup, setSetup] = useState<Setup>(() => {
    const kept = sessionStorage.getItem(name);
    return kept ? { ...NO_SETUP, ...(JSON.parse(kept) as Partial<Setup>) } : NO_SETUP;
  });
  const change = useCallback(
    (part: Partial<Setup>) =>
      setSetup((now) => {
        const next = { ...now, ...part };
        sessionStorage.setItem(name, JSON.stringify(next));
        return next;
      }),
    [name],
  );
  return [setup, change];
}

/**
 * `?start=voice` or `?start=text` begins at once, when somebody has clicked something on this site that led here. A link from
 * elsewhere only leads to the button: no page switches a microphone on by being opened.
 */
function useStartOfItself(isReady: boolean, start: (kind: "voice" | "chat") => void) {
  const [query, setQuery] = useSearchParams();
  const wanted = query.get("start");
  const isDone = useRef(false);
  useEffect(() => {
    if (!isReady || isDone.current || (wanted !== "voice" && wanted !== "text")) return;
    isDone.current = true;
    setQuery({}, { replace: true });
    if (wanted === "text") start("chat");
    else if (navigator.userActivation?.hasBeenActive !== false) start("voice");
  }, [isReady, wanted, start, setQuery]);
}
