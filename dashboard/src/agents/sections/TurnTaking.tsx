import { Input, SegmentedControl, Stack } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useState } from "react";

import { useField } from "../editor/draft";
import {
  Findings,
  Label,
  NeverField,
  NumberField,
  SliderField,
  SwitchField,
  TagsField,
} from "../editor/fields";
import { LongTextField, TextField } from "../editor/fields";
import { Card, Section } from "../editor/Section";
import {
  answering,
  type Eagerness,
  HEARD,
  interrupting,
  nobodySpeaks,
  slowModel,
  type Verdict,
} from "../turn/scenes";
import { TimeAxis } from "../turn/TimeAxis";

const TURN = "conversation_config.turn";
const SOFT = `${TURN}.soft_timeout_config`;

/** When the agent answers, what interrupts it, what happens in silence: each with a picture that moves. */
export default function TurnTaking() {
  return (
    <Section
      title="Turn-taking"
      lead="When the agent answers, what interrupts it, and what happens when nobody speaks."
    >
      <Answering />
      <Interrupting />
      <NobodySpeaks />
      <SlowModel />
      <Card title="Whose voice counts">
        <SwitchField
          path="conversation_config.vad.background_voice_detection"
          label="Ignore voices in the background"
          help="Voices far softer than the user's are not listened to: a television, people at the next table."
        />
        <SwitchField
          path="conversation_config.vad.x_echo_guard"
          label="Ignore the agent's own echo"
          help="The agent's voice, coming back through the user's microphone, does not interrupt it."
          fallback
        />
      </Card>
    </Section>
  );
}

function Answering() {
  const isNarrow = useMediaQuery("(max-width: 40em)");
  const [heard, setHeard] = useState<Verdict>("finished");
  const eagerness = useField<Eagerness>(`${TURN}.turn_eagerness`, "normal");
  const speculates = useField<boolean>(`${TURN}.speculative_turn`, false);
  const spelling = useField<string>(`${TURN}.spelling_patience`, "auto");
  const known = ["eager", "normal", "patient"].includes(eagerness.value) ? eagerness.value : "normal";
  const scene = answering(known, heard, {
    speculates: speculates.value,
    spellsPatiently: spelling.value !== "off",
  });
  return (
    <Card
      title="When the agent answers"
      lead="It weighs words, melody and silence. Choose what the user has just said."
    >
      <Stack gap="xs">
        <SegmentedControl
          size="xs"
          fullWidth
          orientation={isNarrow ? "vertical" : "horizontal"}
          aria-label="What the user has just said"
          data={(["finished", "silence", "unfinished", "spelling"] as const).map((value) => ({
            value,
            label: HEARD[value].label,
          }))}
          value={heard}
          onChange={(value) => setHeard(value as Verdict)}
        />
        <TimeAxis scene={scene} />
      </Stack>
      <div>
        <Input.Label component="div">
          <Label text="Eagerness" isChanged={eagerness.isChanged} />
        </Input.Label>
        <Input.Description component="div" mb={6}>
          How long a pause the agent lets pass before it takes the floor.
        </Input.Description>
        <SegmentedControl
          aria-label="Eagerness"
          data={[
            { value: "eager", label: "Eager" },
            { value: "normal", label: "Normal" },
            { value: "patient", label: "Patient" },
          ]}
          value={known}
          onChange={(value) => eagerness.set(value as Eagerness)}
        />
        <Findings findings={eagerness.findings} />
      </div>
      <SwitchField
        path={`${TURN}.speculative_turn`}
        label="Ask the model before the turn is over"
        help="Quicker answers for more requests: what was asked for in vain is thrown away."
      />
      <SwitchOfTwo
        path={`${TURN}.spelling_patience`}
        label="Wait longer while something is dictated"
        help="Numbers, letters and addresses come with pauses."
      />
    </Card>
  );
}

/** `spelling_patience` is "auto" or "off"; to people it is a switch. */
function SwitchOfTwo({ path, label, help }: { path: string; label: string; help: string }) {
  const field = useField<string>(path, "auto");
  return (
    <div>
      <Input.Label component="div">
        <Label text={label} isChanged={field.isChanged} />
      </Input.Label>
      <Input.Description component="div" mb={6}>
        {help}
      </Input.Description>
      <SegmentedControl
        size="xs"
        aria-label={label}
        data={[
          { value: "auto", label: "Yes" },
          { value: "off", label: "No" },
        ]}
        value={field.value === "off" ? "off" : "auto"}
        onChange={(value) => field.set(value)}
      />
    </div>
  );
}

function Interrupting() {
  const minSpeech = useField<number>(`${TURN}.x_interruption_min_speech_secs`, 0.2);
  const minWords = useField<number>(`${TURN}.x_interruption_min_words`, 0);
  const terms = useField<string[]>(`${TURN}.interruption_ignore_terms`, []);
  const usual = useField<boolean>(`${TURN}.merge_with_default_ignore_terms`, false);
  const resumes = useField<boolean>(`${TURN}.x_resume_false_interruptions`, true);
  const scene = interrupting({
    minSpeech: minSpeech.value,
    minWords: minWords.value,
    ignoresHums: usual.value || terms.value.length > 0,
    resumes: resumes.value,
  });
  return (
    <Card
      title="What interrupts the agent"
      lead="The user says “mhm” over it, and later something that matters."
    >
      <TimeAxis scene={scene} />
      <SliderField
        path={`${TURN}.x_interruption_min_speech_secs`}
        label="Speech that interrupts"
        help="So much of the user's voice takes the floor, where words are not asked for."
        fallback={0.2}
        min={0.05}
        max={2}
        step={0.05}
        unit="s"
      />
      <SliderField
        path={`${TURN}.x_interruption_min_words`}
        label="Words that interrupt"
        help="0: sound is enough. With words the agent speaks on until they are known."
        fallback={0}
        min={0}
        max={6}
        step={1}
      />
      <SwitchField
        path={`${TURN}.merge_with_default_ignore_terms`}
        label="“mhm” and “okay” do not interrupt"
        help="The usual words of somebody who listens, in the agent's language."
      />
      <TagsField
        path={`${TURN}.interruption_ignore_terms`}
        label="Other phrases that do not interrupt"
        help="Case and punctuation do not matter. Press Enter after each."
        placeholder="go on"
      />
      <SwitchField
        path={`${TURN}.x_resume_false_interruptions`}
        label="Go on after a false alarm"
        help="A cough or an “mhm” cut the agent off: it continues with the words that were not heard."
        fallback
      />
    </Card>
  );
}

function NobodySpeaks() {
  const timeout = useField<number>(`${TURN}.turn_timeout`, 7);
  const end = useField<number>(`${TURN}.silence_end_call_timeout`, -1);
  return (
    <Card title="When nobody speaks" lead="The agent has asked something, and the user is silent.">
      <TimeAxis scene={nobodySpeaks(timeout.value, end.value)} />
      <NeverField
        path={`${TURN}.turn_timeout`}
        label="Speak again after a silence"
        help="By voice only."
        fallback={7}
        whenOn={7}
        min={1}
        max={60}
        step={0.5}
        unit="s"
      />
      <NeverField
        path={`${TURN}.silence_end_call_timeout`}
        label="End the call after a long silence"
        help="What the agent says unasked does not restart it."
        fallback={-1}
        whenOn={30}
        min={5}
        max={300}
        step={5}
        unit="s"
      />
      <NumberField
        path={`${TURN}.initial_wait_time`}
        label="At the beginning"
        help="Seconds of silence before an agent without a first message speaks. Empty: as long as above; -1: for ever."
        placeholder="as above"
        min={-1}
        max={300}
        unit="s"
      />
    </Card>
  );
}

function SlowModel() {
  const timeout = useField<number>(`${SOFT}.timeout_seconds`, -1);
  const most = useField<number>(`${SOFT}.max_soft_timeouts_per_generation`, 1);
  const message = useField<string>(`${SOFT}.message`, "Hhmmmm...yeah.");
  const isOn = timeout.value >= 0;
  return (
    <Card title="When the model is slow" lead="Something is said while the answer is on its way.">
      <TimeAxis scene={slowModel(timeout.value, most.value, message.value)} />
      <NeverField
        path={`${SOFT}.timeout_seconds`}
        label="Say a filler"
        help="After the model has been silent for so long."
        fallback={-1}
        whenOn={2}
        min={0.5}
        max={8}
        step={0.25}
        unit="s"
      />
      {isOn && (
        <>
          <TextField path={`${SOFT}.message`} label="What is said first" fallback="Hhmmmm...yeah." />
          <TagsField
            path={`${SOFT}.additional_soft_timeout_messages`}
            label="What is said after that"
            placeholder="One moment please"
          />
          <SliderField
            path={`${SOFT}.max_soft_timeouts_per_generation`}
            label="At most, before one answer"
            fallback={1}
            min={1}
            max={8}
            step={1}
          />
          <SwitchField path={`${SOFT}.randomize_fillers`} label="In any order" />
          <SwitchField
            path={`${SOFT}.disable_until_first_user_message`}
            label="Not before the user has said something"
          />
          <SwitchField
            path={`${SOFT}.use_llm_generated_message`}
            label="The model writes the filler"
            help="Asked beside the answer; costs another request."
          />
          <LongTextField
            path={`${SOFT}.llm_generated_message_prompt_override`}
            label="How it writes it"
            placeholder="The usual instructions"
          />
        </>
      )}
    </Card>
  );
}
