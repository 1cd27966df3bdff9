import { Text } from "@mantine/core";

import { counted } from "@/parts/format";

import { SelectField, SwitchField, TagsField, TextField } from "../editor/fields";
import { LANGUAGES } from "../editor/languages";
import { Card, Section } from "../editor/Section";
import { TextWithVariables } from "../editor/TextWithVariables";
import { VariableTable } from "./VariableTable";

const AGENT = "conversation_config.agent";

const words = (text: string) => text.split(/\s+/).filter(Boolean).length;

/** Name, first message, prompt and the variables in them. */
export default function Basics() {
  return (
    <Section title="Basics" lead="Who the agent is and what it is told.">
      <Card>
        <TextField path="name" label="Name" required />
        <TagsField
          path="tags"
          label="Tags"
          help="To find the agent in the list. Press Enter after each."
          placeholder="reservations"
        />
        <SelectField
          path={`${AGENT}.language`}
          label="Language"
          help="What the agent listens for and speaks at the beginning. Others are set under Languages."
          fallback="en"
          options={LANGUAGES}
        />
        <TextField
          path={`${AGENT}.prompt.timezone`}
          label="Time zone"
          help="Of {{system__time}}, the time that the model is told."
          placeholder="Europe/Berlin"
        />
        <SwitchField
          path="conversation_config.conversation.text_only"
          label="Typed conversations only"
          help="No microphone and no voice: chat."
        />
      </Card>
      <Card title="What it says">
        <TextWithVariables
          path={`${AGENT}.first_message`}
          label="First message"
          help="Said as it stands when the conversation begins. Empty: the agent waits for the user."
          minHeight={44}
        />
        <SwitchField
          path={`${AGENT}.disable_first_message_interruptions`}
          label="The first message cannot be interrupted"
          help="What the user says over it is kept, and answered afterwards."
        />
        <TextWithVariables
          path={`${AGENT}.prompt.prompt`}
          label="Prompt"
          help={
            <>What the model is told before every answer. Type {"{{"} for a variable; # begins a heading.</>
          }
          minHeight={260}
          end={(text) => (
            <Text size="xs" c="dimmed" className="numbers">
              {counted(words(text), "word")}, {counted(text.length, "character")}
            </Text>
          )}
        />
      </Card>
      <Card
        title="Variables"
        lead="Found in the texts of this agent. Callers send values when they begin; a placeholder stands in for what they do not send."
      >
        <VariableTable />
      </Card>
    </Section>
  );
}
