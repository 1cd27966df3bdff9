import { Alert, Text } from "@mantine/core";

import { useVoices } from "@/api/voices";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";

import { useField } from "../editor/draft";
import { Findings, SliderField, SwitchField } from "../editor/fields";
import { JsonField } from "../editor/JsonField";
import { Card, Section } from "../editor/Section";
import { Pronunciation } from "./Pronunciation";
import { VoicePicker } from "./VoicePicker";

const TTS = "conversation_config.tts";

/** Who speaks, and how. */
export default function Voice() {
  const voice = useField<string>(`${TTS}.voice_id`, "cjVigY5qzO86Huf0OWal");
  const isTyped = useField<boolean>("conversation_config.conversation.text_only", false).value;
  const { data, error, refetch } = useVoices();
  return (
    <Section title="Voice" lead="Who speaks, how fast, and how difficult words are said.">
      {isTyped && (
        <Alert color="blue" title="This agent does not speak">
          <Text size="sm">
            Its conversations are typed. The voice counts when that is switched off under Basics.
          </Text>
        </Alert>
      )}
      <Card title="Voice">
        {error ? (
          <Failure error={error} retry={() => void refetch()} />
        ) : data ? (
          <VoicePicker voices={data} chosen={voice.value} choose={voice.set} />
        ) : (
          <Loading rows={3} height={64} />
        )}
        <Findings findings={voice.findings} />
      </Card>
      <Card title="How it speaks">
        <SliderField
          path={`${TTS}.speed`}
          label="Speed"
          fallback={1}
          min={0.7}
          max={1.2}
          step={0.01}
          unit="×"
        />
        <SliderField
          path={`${TTS}.stability`}
          label="Stability"
          help="Lower: livelier. For voices that can vary; others leave it aside."
          fallback={0.5}
          min={0}
          max={1}
          step={0.05}
        />
        <SliderField
          path={`${TTS}.similarity_boost`}
          label="Similarity"
          help="How close to the recorded voice. For voices that were cloned."
          fallback={0.8}
          min={0}
          max={1}
          step={0.05}
        />
        <SwitchField
          path={`${TTS}.expressive_mode`}
          label="Expressive"
          help="The model may write how something is said, where the voice can do it."
          fallback
        />
      </Card>
      <Pronunciation />
      <Card
        title="More than one voice"
        lead="The model may let others speak: a story with roles, a word in another language."
      >
        <JsonField
          path={`${TTS}.supported_voices`}
          label="Voices by label"
          help={'Each as {"label": "pirate", "voice_id": "deep", "description": "for the pirate\'s words"}.'}
          fallback={[]}
          minHeight={90}
        />
      </Card>
    </Section>
  );
}
