import { List, Paper, SegmentedControl, Stack, Text, Title } from "@mantine/core";
import { type ReactNode, useState } from "react";

import { Command } from "@/parts/Command";

import { WebhooksFrame } from "../WebhooksFrame";
import { BY_HAND, NODE, PYTHON } from "./snippets";

const CODE: Record<string, string> = { Python: PYTHON, Node: NODE, "By hand": BY_HAND };

/** `/webhooks/verify`: a receiver in a terminal, and one in your code. */
export default function VerifyPage() {
  const [language, setLanguage] = useState("Python");
  return (
    <WebhooksFrame>
      <Stack gap="lg" maw={860}>
        <Box title="See messages arrive on this machine">
          <Text size="sm" mb="sm">
            A receiver in a terminal: it verifies each message and prints a line for it. Its address is
            http://127.0.0.1:8500/.
          </Text>
          <Command text="parola webhooks listen --port 8500 --secret wsec_…" label="Copy the command" />
        </Box>
        <Box title="Verify in your code">
          <Text size="sm" mb="sm">
            The signature proves that a message came from this server and was not changed on its way. Take the
            body as it came, before anything parses it.
          </Text>
          <SegmentedControl
            aria-label="Language"
            data={Object.keys(CODE)}
            value={language}
            onChange={setLanguage}
            mb="sm"
            size="xs"
          />
          <Command text={CODE[language] ?? ""} label="Copy the code" />
          {language === "Python" && (
            <Text size="sm" c="dimmed" mt="xs">
              A recording comes without Content-Length, in pieces; most web frameworks read that by
              themselves.
            </Text>
          )}
        </Box>
        <Box title="What a receiver should do">
          <List size="sm" spacing={6}>
            <List.Item>
              Answer 200 soon, and do the work afterwards: after 30 seconds it counts as no answer.
            </List.Item>
            <List.Item>
              Expect a message twice. X-Webhook-Event-Id is the same each time; drop what you have seen.
            </List.Item>
            <List.Item>
              Answer 5xx, 408 or 429 when you cannot take it now: it is tried again for 72 hours. Any other
              3xx or 4xx gives it up at once.
            </List.Item>
          </List>
        </Box>
      </Stack>
    </WebhooksFrame>
  );
}

function Box({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper p="lg">
      <Title order={2} fz="md" mb={4}>
        {title}
      </Title>
      {children}
    </Paper>
  );
}
