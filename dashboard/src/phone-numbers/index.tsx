import { Code, List, Paper, Text, Title } from "@mantine/core";
import { IconPhoneOff } from "@tabler/icons-react";
import { Link } from "react-router";

import { EmptyState } from "@/parts/EmptyState";
import { Page } from "@/parts/Page";

/** `/phone-numbers`: what there is of telephones, and what is not. */
export default function PhoneNumbers() {
  return (
    <Page title="Phone numbers" lead="Numbers that agents answer and call from.">
      <EmptyState
        icon={IconPhoneOff}
        title="There is no telephone in this version"
        text={
          <>
            Parola takes no telephone calls yet, and makes none. Agents are called over a WebSocket: from a{" "}
            <Link to="/talk">browser</Link>, an app, or a bridge of yours. Numbers will be listed here.
          </>
        }
      />
      <Paper p="lg" maw={860}>
        <Title order={2} fz="md" mb="xs">
          What you can do today
        </Title>
        <List size="sm" spacing={8}>
          <List.Item>
            A bridge of yours can join a telephone line and an agent. The socket takes and gives 8 kHz µ-law
            as telephones do: set the agent’s <Code>asr.user_input_audio_format</Code> and{" "}
            <Code>tts.agent_output_audio_format</Code> to <Code>ulaw_8000</Code>.
          </List.Item>
          <List.Item>
            An agent hands over to a person without a telephone with the tool <Code>x_transfer_to_human</Code>
            : who waits stands under <Link to="/live">Live</Link>.
          </List.Item>
          <List.Item>
            <Code>transfer_to_number</Code> can stand in an agent. Without a telephone the model is told that
            it failed, and goes on talking.
          </List.Item>
          <List.Item>
            <Code>play_keypad_touch_tone</Code> sends <Code>dtmf_request</Code> to a client that lists this
            event: a bridge can play the tone.
          </List.Item>
        </List>
        <Text size="sm" c="dimmed" mt="md">
          The variables <Code>system__caller_id</Code> and <Code>system__called_number</Code> are empty here,
          so that one agent serves both.
        </Text>
      </Paper>
    </Page>
  );
}
