import { Box, Stack, Tabs, Text, Title } from "@mantine/core";
import { useState } from "react";

import { address } from "@/api/client";
import { Command } from "@/parts/Command";

import { useDraft, useField } from "../editor/draft";
import { Card, Section } from "../editor/Section";
import { SignedUrlMaker } from "./SignedUrlMaker";
import { waysIn } from "./waysIn";

/** Where this server is, as the browser sees it. */
const ownUrl = () => new URL(address("/"), location.href).href.replace(/\/$/, "");

/** What an app has to say to reach this agent, to be copied. */
export default function Connect() {
  const { agent } = useDraft();
  const [way, setWay] = useState<string | null>("python");
  const isPrivate = useField<boolean>("platform_settings.auth.enable_auth", false).value;
  const isTextOnly = useField<boolean>("conversation_config.conversation.text_only", false).value;
  const ways = waysIn({ url: ownUrl(), agentId: agent.agent_id, isPrivate, isTextOnly });
  return (
    <Section
      title="Connect"
      lead={
        isPrivate
          ? "This agent is private: apps need a signed URL or a key."
          : "This agent is public: apps need nothing but its id."
      }
    >
      <Card>
        <Tabs value={way} onChange={setWay}>
          <Tabs.List mb="md">
            {ways.map(({ id, label }) => (
              <Tabs.Tab key={id} value={id}>
                {label}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {ways.map(({ id, about, steps }) => (
            <Tabs.Panel key={id} value={id}>
              <Stack gap="md">
                <Text size="sm">{about}</Text>
                {steps.map(({ title, code }) => (
                  <Box key={title}>
                    <Title order={3} fz="sm" mb={6}>
                      {title}
                    </Title>
                    <Command text={code} />
                  </Box>
                ))}
              </Stack>
            </Tabs.Panel>
          ))}
        </Tabs>
      </Card>
      <SignedUrlMaker />
    </Section>
  );
}
