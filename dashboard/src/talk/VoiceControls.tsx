import { useConversationControls, useConversationInput } from "@elevenlabs/react";
import { Button, Group, NativeSelect, Slider, Tooltip } from "@mantine/core";
import { IconMicrophone, IconMicrophoneOff, IconVolume } from "@tabler/icons-react";
import { useState } from "react";

import { failed } from "@/parts/notices";

import { useMicrophones } from "./microphone";

interface Props {
  microphone: string | null;
  onMicrophone: (id: string | null) => void;
}

/** What one does to one's own side of a call by voice. */
export function VoiceControls({ microphone, onMicrophone }: Props) {
  const { isMuted, setMuted } = useConversationInput();
  const { changeInputDevice, setVolume } = useConversationControls();
  const microphones = useMicrophones(true);
  const [loudness, setLoudness] = useState(100);
  const choose = (id: string) => {
    changeInputDevice({ inputDeviceId: id || undefined }).then(
      () => onMicrophone(id || null),
      (error: unknown) => failed(error, "The microphone could not be changed"),
    );
  };
  return (
    <Group gap="sm">
      <Button
        size="sm"
        variant={isMuted ? "light" : "default"}
        color={isMuted ? "orange" : undefined}
        aria-pressed={isMuted}
        leftSection={isMuted ? <IconMicrophoneOff size={16} /> : <IconMicrophone size={16} />}
        onClick={() => setMuted(!isMuted)}
      >
        {isMuted ? "Unmute" : "Mute"}
      </Button>
      <NativeSelect
        size="sm"
        flex="1 1 150px"
        maw={220}
        aria-label="Microphone"
        value={microphone ?? ""}
        onChange={(event) => choose(event.currentTarget.value)}
        data={[
          { value: "", label: "System default" },
          ...microphones
            .filter((one) => one.id !== "default")
            .map((one) => ({ value: one.id, label: one.label })),
        ]}
      />
      <Group gap={8} wrap="nowrap" flex="1 1 100px" maw={150}>
        <Tooltip label="Volume of the agent">
          <IconVolume size={18} aria-hidden="true" />
        </Tooltip>
        <Slider
          flex={1}
          size="sm"
          thumbLabel="Volume of the agent"
          label={(value) => `${value} %`}
          value={loudness}
          onChange={(value) => {
            setLoudness(value);
            setVolume({ volume: value / 100 });
          }}
        />
      </Group>
    </Group>
  );
}
