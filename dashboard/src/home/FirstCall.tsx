import { Button, Group, Paper, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconMessage, IconMicrophone, IconWaveSine } from "@tabler/icons-react";
import { Link } from "react-router";

import { useAgents } from "@/api/agents";
import { useNewest } from "@/api/conversations";
import { Command } from "@/parts/Command";
import { forThisServer } from "@/parts/here";

const DEMO = "agent_demo";

const RECORDED = `parola say "When are you open?" --out question.wav
${forThisServer("parola call --in question.wav --out answer.wav")}`;

/** What a server shows that nobody has called yet: the demo agent, one click away. Nothing where it was deleted. */
export function FirstCall() {
  const newest = useNewest().data;
  const hasDemo = useAgents("", []).items.some(({ agent_id }) => agent_id === DEMO);
  if (!hasDemo || newest?.conversations.length !== 0) return null;
  return (
    <Paper p={{ base: "lg", sm: "xl" }}>
      <Group gap="xl" wrap="wrap" align="center">
        <ThemeIcon size={72} radius="xl" variant="light">
          <IconWaveSine size={40} stroke={1.5} />
        </ThemeIcon>
        <Stack gap="sm" style={{ flex: "1 1 320px" }}>
          <Title order={2} fz="h3">
            Say hello to your first agent
          </Title>
          <Text c="dimmed">
            Trattoria Parola answers the phone of a restaurant. It listens and speaks on this machine, with no
            key and no network. Ask it when it is open, then see where every millisecond of the call went.
          </Text>
          <Group gap="sm">
            <Button
              component={Link}
              to={`/talk/${DEMO}?start=voice`}
              size="md"
              leftSection={<IconMicrophone size={18} />}
            >
              Call the demo agent
            </Button>
            <Button
              component={Link}
              to={`/talk/${DEMO}?start=text`}
              size="md"
              variant="default"
              leftSection={<IconMessage size={18} />}
            >
              Chat instead
            </Button>
          </Group>
        </Stack>
        <Stack gap={6} style={{ flex: "1 1 260px" }} miw={0}>
          <Text size="sm" c="dimmed">
            From a terminal:
          </Text>
          <Command text={forThisServer("parola chat")} wraps />
          <Command text={RECORDED} wraps />
        </Stack>
      </Group>
    </Paper>
  );
}
