import { Accordion, Box, SegmentedControl, Stack, Text } from "@mantine/core";
import { useState } from "react";

import { type HowToAdd, useModels } from "@/api/models";
import { Block } from "@/parts/Block";
import { Command } from "@/parts/Command";

import { SERVERS } from "./servers";

/** How models are added: a server of models, those of this process, and what each kind of work wants. */
export function AddModels() {
  return (
    <Stack gap="md" maw={900}>
      <FromServer />
      <Block
        title="Models in this process"
        lead="English speech, embeddings and turn detection, with nothing else to run. The command downloads pinned packages, checks each file, and can be repeated."
      >
        <Command text="parola models install" label="Copy the command" />
        <Text size="sm" c="dimmed">
          What is here and undamaged, with the speed of each:
        </Text>
        <Command text="parola models --measure" label="Copy the command" />
      </Block>
      <ByKind />
    </Stack>
  );
}

function FromServer() {
  const [value, setValue] = useState("ollama");
  const server = SERVERS.find((one) => one.value === value) ?? SERVERS[0];
  return (
    <Block
      title="A server of models"
      lead="Whatever speaks OpenAI's HTTP dialect can think, listen or speak."
    >
      <Box style={{ overflowX: "auto" }}>
        <SegmentedControl
          aria-label="Server"
          value={value}
          onChange={setValue}
          data={SERVERS.map((one) => ({ value: one.value, label: one.label }))}
        />
      </Box>
      {server && (
        <>
          <Text size="sm">{server.what}</Text>
          {server.start && (
            <Step text="Start it:">
              <Command text={server.start} label="Copy the command" />
            </Step>
          )}
          <Step text="Name it in parola.toml:">
            <Command text={server.settings} label="Copy the settings" />
          </Step>
          <Step text="Start Parola again, and have it checked:">
            <Command text="parola doctor" label="Copy the command" />
          </Step>
        </>
      )}
    </Block>
  );
}

function Step({ text, children }: { text: string; children: React.ReactNode }) {
  return (
    <Stack gap={6}>
      <Text size="sm" c="dimmed">
        {text}
      </Text>
      {children}
    </Stack>
  );
}

function ByKind() {
  const { data } = useModels();
  if (!data) return null;
  const kinds: [string, HowToAdd][] = [
    ["Thinks", data.language_models.how_to_add],
    ["Listens", data.speech_to_text.how_to_add],
    ["Speaks", data.text_to_speech.how_to_add],
    ["Searches", data.embeddings.how_to_add],
    ["Detects speech", data.voice_activity.how_to_add],
    ["Detects the end of a turn", data.turn_detector.how_to_add],
  ];
  return (
    <Block title="By kind of work" lead="What can do it, and an example for parola.toml.">
      <Accordion variant="separated" order={3}>
        {kinds.map(([name, how]) => (
          <Accordion.Item key={name} value={name.replaceAll(" ", "-")}>
            <Accordion.Control>{name}</Accordion.Control>
            <Accordion.Panel>
              <Stack gap="sm">
                <Text size="sm">{how.text}</Text>
                <Command text={how.example.trim()} label="Copy the example" />
              </Stack>
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
    </Block>
  );
}
