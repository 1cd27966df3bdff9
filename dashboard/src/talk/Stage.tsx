import { useConversationMode } from "@elevenlabs/react";
import { Alert, Anchor, Box, Button, Group, Paper, Stack, Text } from "@mantine/core";
import { IconMessage, IconMicrophoneOff, IconPhone, IconPhoneOff } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { Link } from "react-router";

import { clock } from "@/parts/format";

import { AgentChoice } from "./AgentChoice";
import { Orb, type OrbState } from "./Orb";
import { isAboutToSpeak } from "./transcript";
import type { CallState } from "./useCall";
import { VoiceControls } from "./VoiceControls";

const WORDS: Record<OrbState, string> = {
  idle: "",
  starting: "Connecting",
  listening: "Listening",
  user: "You speak",
  thinking: "The agent thinks",
  ready: "The agent is about to speak",
  agent: "The agent speaks",
  ended: "",
};

interface Props {
  state: CallState;
  agentId: string;
  onAgent: (agentId: string) => void;
  hint?: string;
  /** Why a call cannot be begun now. */
  obstacle: string | null;
  isTextOnly: boolean;
  microphone: string | null;
  onMicrophone: (id: string | null) => void;
}

/** The upper part: whom to talk to, the button, and while it runs who speaks. */
export function Stage(props: Props) {
  const { state, obstacle } = props;
  const { phase, kind, call } = state;
  const { isSpeaking } = useConversationMode();
  const [userSpeaks, setUserSpeaks] = useState(false);
  const isRunning = phase === "running";
  const orb: OrbState =
    phase !== "running"
      ? phase
      : isSpeaking && kind === "voice"
        ? "agent"
        : userSpeaks
          ? "user"
          : call.isThinking
            ? "thinking"
            : kind === "voice" && isAboutToSpeak(call)
              ? "ready"
              : "listening";
  const words = call.isQueued
    ? "Waiting for a place"
    : kind === "chat" && orb === "listening"
      ? "Your turn"
      : WORDS[orb];
  return (
    <Paper p="lg">
      <Group gap="lg" wrap="wrap" align="center">
        <Box mx={{ base: "auto", xs: 0 }}>
          <Orb state={orb} isLive={isRunning && kind === "voice"} onUserSpeaks={setUserSpeaks} />
        </Box>
        <Stack gap="sm" flex="1 1 260px" miw={0}>
          {phase === "idle" || phase === "ended" ? (
            <>
              <AgentChoice value={props.agentId} onChange={props.onAgent} />
              <Buttons {...props} />
              {obstacle && (
                <Text size="sm" c="red">
                  {obstacle}
                </Text>
              )}
              {props.hint && phase === "idle" && (
                <Text size="sm" c="dimmed">
                  {props.hint}
                </Text>
              )}
            </>
          ) : (
            <>
              <Group justify="space-between" gap="xs" align="flex-start" wrap="nowrap">
                <div>
                  <Text fz="xl" fw={650}>
                    {words}
                  </Text>
                  <Text c="dimmed" size="sm" className="numbers">
                    <Clock from={state.startedAt} />
                    {call.pingMs !== null && ` · round trip ${call.pingMs} ms`}
                  </Text>
                </div>
                <Button
                  size="md"
                  radius="xl"
                  color="red.8"
                  style={{ flexShrink: 0 }}
                  leftSection={<IconPhoneOff size={18} />}
                  onClick={state.end}
                >
                  {phase === "starting" ? "Cancel" : kind === "voice" ? "Hang up" : "End chat"}
                </Button>
              </Group>
              {isRunning && kind === "voice" && (
                <VoiceControls microphone={props.microphone} onMicrophone={props.onMicrophone} />
              )}
              {call.conversationId && (
                <Anchor
                  component={Link}
                  to={`/conversations/${call.conversationId}`}
                  size="xs"
                  c="dimmed"
                  target="_blank"
                  // The new tab is given what this one keeps, the API key too: without, it would ask for it again.
                  rel="opener"
                >
                  {call.conversationId}
                </Anchor>
              )}
            </>
          )}
        </Stack>
      </Group>
      {state.trouble && (
        <Alert mt="md" color="yellow" icon={<IconMicrophoneOff />} title={state.trouble.title} role="alert">
          <Text size="sm">{state.trouble.text}</Text>
          <Button mt="sm" size="xs" variant="default" onClick={() => state.start("chat")}>
            Chat by text instead
          </Button>
        </Alert>
      )}
    </Paper>
  );
}

function Buttons({ state, obstacle, isTextOnly, agentId }: Props) {
  const isBlocked = obstacle !== null || !agentId;
  const again = state.phase === "ended" ? " again" : "";
  return (
    <Group gap="sm">
      <Button
        size="lg"
        radius="xl"
        px="lg"
        leftSection={<IconPhone size={20} />}
        disabled={isBlocked || isTextOnly}
        onClick={() => state.start("voice")}
      >
        Call{again}
      </Button>
      <Button
        size="lg"
        radius="xl"
        px="lg"
        variant="default"
        leftSection={<IconMessage size={20} />}
        disabled={isBlocked}
        onClick={() => state.start("chat")}
      >
        Chat
      </Button>
    </Group>
  );
}

/** How long the call has run. */
function Clock({ from }: { from: number | null }) {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 500);
    return () => clearInterval(timer);
  }, []);
  return <span>{clock(from === null ? 0 : (now - from) / 1000)}</span>;
}
