import { Alert, Box, Button, Group, Menu, Paper, Stack, Tabs, Text } from "@mantine/core";
import { IconPhoneOutgoing, IconPlugConnectedX } from "@tabler/icons-react";
import { lazy, Suspense, useEffect, useRef } from "react";
import { useParams, useSearchParams } from "react-router";

import { useAgent } from "@/api/agents";
import { type LiveConversation, useLiveOne } from "@/api/live";
import { Loading } from "@/parts/Loading";
import { confirm } from "@/parts/notices";
import { Page } from "@/parts/Page";

import { Since } from "../clock";
import { SoundPanel } from "../sound/SoundPanel";
import { useSound } from "../sound/useSound";
import { StatusMark } from "../StatusMark";
import classes from "./Call.module.css";
import { Composer } from "./Composer";
import { EndMenu } from "./EndMenu";
import { HolderNotice, TakeOverButton } from "./Holding";
import { NameModal } from "./NameModal";
import { useOperator } from "./operator";
import { Over } from "./Over";
import { Transcript } from "./Transcript";
import { useCallLink } from "./useCallLink";
import { type Controls, useControls } from "./useControls";
import { transfersOf } from "./values";
import { Variables } from "./Variables";

const Events = lazy(() =>
  import("@/conversations/tabs/EventsTab").then((module) => ({ default: module.Events })),
);

/** One call as it goes: what is said, by whom, and everything an operator can do in it. */
export default function CallPage() {
  const { conversationId = "" } = useParams();
  const [params, setParams] = useSearchParams();
  const operator = useOperator();
  const row = useLiveOne(conversationId);
  const seen = useLastSeen(row);
  const { link, state } = useCallLink(conversationId, operator);
  const sound = useSound(conversationId);
  const controls = useControls(link, operator, sound);
  const { phase, feed } = state;
  const isOver = phase.kind === "over" || phase.kind === "refused";
  const isMine = operator !== "" && feed.holder === operator;
  const isVoice = seen?.is_voice ?? false;
  const give = isOver || state.mayOnlyWatch ? null : controls.give;

  const { isSpeaking, listen, stop } = sound;
  useEffect(() => {
    // Whoever has lost the conversation is not heard any more: their microphone is not kept open.
    if (isSpeaking && !isMine) listen();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only a change of the holder counts
  }, [isMine]);
  useEffect(() => {
    if (isOver) stop();
  }, [isOver, stop]);

  const wantsTakeOver = params.get("take") === "over";
  useEffect(() => {
    if (!wantsTakeOver) return;
    setParams({}, { replace: true });
    controls.takeOver("text");
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once, when the page is opened this way
  }, [wantsTakeOver]);

  return (
    <Page
      title={seen?.agent_name || "Conversation"}
      trail={[{ label: "Live", to: "/live" }]}
      lead={<Lead id={conversationId} row={isOver ? null : row} seen={seen} />}
      actions={
        give &&
        seen && (
          <>
            <TransferMenu agentId={seen.agent_id} give={give} />
            <EndMenu give={give} />
            <TakeOverButton feed={feed} operator={operator} isVoice={isVoice} controls={controls} />
          </>
        )
      }
    >
      {phase.kind === "away" && (
        <Alert color="yellow" icon={<IconPlugConnectedX />} role="status">
          The connection broke. It is tried again; the call goes on meanwhile.
        </Alert>
      )}
      {state.mayOnlyWatch && !isOver && (
        <Alert color="gray" role="status">
          Your API key may watch only. To act in calls it needs the scope inject.
        </Alert>
      )}
      {isOver ? (
        <Over id={conversationId} reason={phase.reason} />
      ) : (
        <HolderNotice feed={feed} operator={operator} />
      )}
      {phase.kind !== "refused" && (
        <div className={classes["columns"]}>
          <Paper style={{ overflow: "hidden" }}>
            <Tabs defaultValue="transcript" keepMounted={false}>
              <Tabs.List px="sm" pt={4}>
                <Tabs.Tab value="transcript">Transcript</Tabs.Tab>
                <Tabs.Tab value="events">Events</Tabs.Tab>
              </Tabs.List>
              <Tabs.Panel value="transcript">
                {phase.kind === "connecting" && !state.events.length ? (
                  <Box p="md">
                    <Loading rows={4} height={40} />
                  </Box>
                ) : (
                  <Transcript feed={feed} controls={give && controls} />
                )}
              </Tabs.Panel>
              <Tabs.Panel value="events">
                <Suspense fallback={<Loading />}>
                  <Events events={state.events} dropped={feed.dropped} />
                </Suspense>
              </Tabs.Panel>
            </Tabs>
            {give && <Composer isMine={isMine} give={give} />}
          </Paper>
          <Stack gap="md">
            {isVoice && !isOver && <SoundPanel sound={sound} />}
            <Variables variables={feed.variables} give={give} />
          </Stack>
        </div>
      )}
      <NameModal
        isOpen={controls.isAsking}
        name={operator}
        onName={controls.named}
        onClose={controls.dismiss}
      />
    </Page>
  );
}

/** What the list said of the call last: it leaves the list when it ends. */
function useLastSeen(row: LiveConversation | undefined | null): LiveConversation | null {
  const last = useRef<LiveConversation | null>(null);
  useEffect(() => {
    if (row) last.current = row;
  }, [row]);
  // eslint-disable-next-line react-hooks/refs -- what was there before is still true of a call that has ended
  return row ?? last.current;
}

interface LeadProps {
  id: string;
  row: LiveConversation | undefined | null;
  seen: LiveConversation | null;
}

function Lead({ id, row, seen }: LeadProps) {
  return (
    <Group gap="xs" fz="sm">
      {row && (
        <>
          <Text span inherit c="var(--mantine-color-text)" fw={500}>
            <StatusMark status={row.status} />
          </Text>
          <span className="numbers">
            <Since at={row.started_at_unix_secs} />
          </span>
          <span aria-hidden="true">·</span>
        </>
      )}
      {seen && (
        <>
          <span>{seen.is_voice ? "Voice" : "Chat"}</span>
          <span aria-hidden="true">·</span>
          <span>{seen.user_id ?? "Caller not named"}</span>
          <span aria-hidden="true">·</span>
        </>
      )}
      <Text span ff="monospace" fz={12.5} style={{ overflowWrap: "anywhere" }}>
        {id}
      </Text>
    </Group>
  );
}

/** The numbers that the agent itself may transfer to; nothing when it has none. */
function TransferMenu({ agentId, give }: { agentId: string; give: Controls["give"] }) {
  const { data } = useAgent(agentId);
  const transfers = transfersOf(data);
  if (!transfers.length) return null;
  const transfer = (number: string) =>
    confirm("Transfer this call?", `The caller is put through to ${number}.`, "Transfer", () => {
      void give("transfer_to_number", { phone_number: number });
    });
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" leftSection={<IconPhoneOutgoing size={16} />}>
          Transfer
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {transfers.map(({ number, condition }) => (
          <Menu.Item key={number} onClick={() => transfer(number)}>
            <Text size="sm" className="numbers">
              {number}
            </Text>
            {condition && (
              <Text size="xs" c="dimmed" maw={280}>
                {condition}
              </Text>
            )}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
