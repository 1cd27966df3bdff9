import { ActionIcon, Group, Input, Loader, Radio, SimpleGrid, Text, TextInput, Tooltip } from "@mantine/core";
import { IconPlayerPlayFilled, IconPlayerStopFilled, IconSearch } from "@tabler/icons-react";
import { useState } from "react";

import { usePreview, type Voice } from "@/api/voices";
import { failed } from "@/parts/notices";

import classes from "./sections.module.css";

const SAMPLE = "Hello, this is how I sound. We are open from noon to ten. How can I help you?";

const MANY = 12;

const described = ({ labels }: Voice) =>
  ["language", "accent", "gender", "age"]
    .flatMap((name) => labels[name]?.replaceAll("_", " ") ?? [])
    .join(" · ");

/** All voices; each can be heard before it is chosen. */
export function VoicePicker({
  voices,
  chosen,
  choose,
}: {
  voices: Voice[];
  chosen: string;
  choose: (voiceId: string) => void;
}) {
  const [text, setText] = useState(SAMPLE);
  const [search, setSearch] = useState("");
  const { playing, play, stop } = usePreview((error) => failed(error, "No preview"));
  const words = search.toLowerCase();
  const found = voices.filter((voice) =>
    `${voice.name} ${voice.description ?? ""} ${described(voice)}`.toLowerCase().includes(words),
  );
  const known = voices.find(
    (voice) => voice.voice_id === chosen || voice.name.toLowerCase() === chosen.toLowerCase(),
  );
  return (
    <>
      {!known && (
        <div>
          <TextInput
            label="Voice id"
            description="Not a voice of this server: the one that it is mapped to speaks, or the default. Choose one below to be sure."
            value={chosen}
            onChange={(event) => choose(event.currentTarget.value)}
            maw={420}
          />
        </div>
      )}
      <Group grow align="flex-end" preventGrowOverflow={false}>
        <TextInput
          label="What they say in the preview"
          value={text}
          maxLength={200}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        {voices.length > MANY && (
          <TextInput
            label="Find a voice"
            leftSection={<IconSearch size={16} />}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
            maw={260}
          />
        )}
      </Group>
      <Radio.Group value={known?.voice_id ?? ""} onChange={choose} aria-label="Voice">
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs" mah={440} className={classes.scrolling}>
          {found.map((voice) => (
            <VoiceCard
              key={voice.voice_id}
              voice={voice}
              isPlaying={playing === voice.voice_id}
              play={() => void play(voice.voice_id, text.trim() || SAMPLE)}
              stop={stop}
            />
          ))}
        </SimpleGrid>
        {!found.length && (
          <Input.Description component="div">No voice is described like that.</Input.Description>
        )}
      </Radio.Group>
    </>
  );
}

function VoiceCard({
  voice,
  isPlaying,
  play,
  stop,
}: {
  voice: Voice;
  isPlaying: boolean;
  play: () => void;
  stop: () => void;
}) {
  const label = isPlaying ? `Stop ${voice.name}` : `Hear ${voice.name}`;
  return (
    <div className={classes.voice}>
      <Radio
        value={voice.voice_id}
        label={
          <>
            <Text fw={600} size="sm" span display="block">
              {voice.name}
            </Text>
            <Text size="xs" c="dimmed" span display="block">
              {voice.description ?? voice.voice_id}
            </Text>
            <Text size="xs" c="dimmed" span display="block" mt={2}>
              {described(voice)}
            </Text>
          </>
        }
        className={classes.voiceChoice}
      />
      <Tooltip label={label}>
        <ActionIcon
          variant="light"
          radius="xl"
          size="lg"
          aria-label={label}
          onClick={isPlaying ? stop : play}
        >
          {isPlaying ? (
            <>
              <IconPlayerStopFilled size={14} />
              <Loader className={classes.ring} size={34} />
            </>
          ) : (
            <IconPlayerPlayFilled size={14} />
          )}
        </ActionIcon>
      </Tooltip>
    </div>
  );
}
