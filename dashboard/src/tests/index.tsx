import { Paper, Stack, Text, Title } from "@mantine/core";
import { IconTestPipe } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link } from "react-router";

import { Command } from "@/parts/Command";
import { EmptyState } from "@/parts/EmptyState";
import { Page } from "@/parts/Page";
import { forThisServer } from "@/parts/here";

/** `/tests`: that agents cannot be tested here yet, and how they are tested today. */
export default function Tests() {
  return (
    <Page title="Tests" lead="Whether an agent does what it should, before callers find out.">
      <EmptyState
        icon={IconTestPipe}
        title="Tests of agents are not in this version"
        text="They will be made and run here. Until then an agent is tested from a terminal, with the commands below; all of them end with an exit code, for CI."
      />
      <Stack gap="md" maw={860}>
        <Way title="Look for mistakes before a call" command="parola lint agent_demo">
          Tools, documents, secrets and addresses that are not there, settings out of their range. The editor
          of each <Link to="/agents">agent</Link> shows the same. It ends with 1 when there are errors.
        </Way>
        <Way
          title="Have a conversation that runs by itself"
          command={'parola chat agent_demo --message "When are you open?" --message "Thank you"'}
        >
          Each message is said when the one before is answered. Tools of the app are answered with “Done.”, or
          with what --tool-result says.
        </Way>
        <Way
          title="Call it with a recording"
          command="parola call agent_demo --in question.wav --out answer.wav"
        >
          The file is streamed as a microphone would. Shown is what was understood and how long the answer
          took. Make recordings with parola say.
        </Way>
        <Way title="See why it went as it did" command="parola why">
          The newest conversation in about ten sentences. Under <Link to="/conversations">Conversations</Link>{" "}
          it has a timeline, too.
        </Way>
        <Paper p="lg">
          <Title order={2} fz="md" mb={4}>
            Agents that answer by a script
          </Title>
          <Text size="sm">
            Without a language model an agent answers by the rules in its <code>x_script</code>, as the demo
            agent does. Tests of your app against such an agent are fast and give the same result each time.
            The examples in the folder <code>examples/</code> show clients in Python and JavaScript to begin
            with.
          </Text>
        </Paper>
      </Stack>
    </Page>
  );
}

function Way({ title, command, children }: { title: string; command: string; children: ReactNode }) {
  return (
    <Paper p="lg">
      <Title order={2} fz="md" mb={4}>
        {title}
      </Title>
      <Text size="sm" mb="sm">
        {children}
      </Text>
      <Command text={forThisServer(command)} label="Copy the command" />
    </Paper>
  );
}
