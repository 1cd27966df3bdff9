import { Checkbox, Input, SimpleGrid } from "@mantine/core";

import { useField } from "../editor/draft";
import { Findings, Label, SelectField, SwitchField } from "../editor/fields";
import { Card, Section } from "../editor/Section";

const PLATFORM = "platform_settings";
const OVERRIDE = `${PLATFORM}.overrides.conversation_config_override`;

const ALLOWED: { title: string; fields: [path: string, label: string][] }[] = [
  {
    title: "Agent",
    fields: [
      ["agent.first_message", "First message"],
      ["agent.language", "Language"],
      ["agent.max_conversation_duration_message", "Words at the time limit"],
    ],
  },
  {
    title: "Model",
    fields: [
      ["agent.prompt.prompt", "Prompt"],
      ["agent.prompt.llm", "Model"],
      ["agent.prompt.reasoning_effort", "Reasoning effort"],
      ["agent.prompt.tool_ids", "Tools"],
      ["agent.prompt.native_mcp_server_ids", "MCP servers"],
      ["agent.prompt.knowledge_base", "Documents"],
    ],
  },
  {
    title: "Voice",
    fields: [
      ["tts.voice_id", "Voice"],
      ["tts.model_id", "Speech model"],
      ["tts.speed", "Speed"],
      ["tts.stability", "Stability"],
      ["tts.similarity_boost", "Similarity"],
      ["tts.supported_voices", "Voices by label"],
      ["tts.pronunciation_dictionary_locators", "Pronunciation"],
    ],
  },
  {
    title: "Conversation",
    fields: [
      ["conversation.text_only", "Typed only"],
      ["conversation.max_duration_seconds", "Time limit"],
      ["asr.keywords", "Keywords to listen for"],
      ["turn.soft_timeout_config.message", "Filler"],
    ],
  },
];

/** What callers may change for their own conversation. */
export default function Personalisation() {
  return (
    <Section
      title="Personalisation"
      lead="What a client may change for its own conversation, and what it must bring."
    >
      <Card
        title="Overrides"
        lead="A client sends other values when it begins. Only what is ticked here is allowed."
      >
        <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="lg">
          {ALLOWED.map(({ title, fields }) => (
            <div key={title} role="group" aria-label={title}>
              <Input.Label component="div">{title}</Input.Label>
              {fields.map(([path, label]) => (
                <Allow key={path} path={`${OVERRIDE}.${path}`} label={label} />
              ))}
            </div>
          ))}
        </SimpleGrid>
        <SwitchField
          path={`${PLATFORM}.overrides.custom_llm_extra_body`}
          label="More for a model of the agent's own"
          help="What the client sends as custom_llm_extra_body reaches the endpoint."
        />
        <SwitchField
          path={`${PLATFORM}.overrides.enable_starting_workflow_node_id_from_client`}
          label="The client may say where the workflow begins"
        />
        <SwitchField
          path={`${PLATFORM}.overrides.enable_conversation_initiation_client_data_from_webhook`}
          label="Ask the webhook of the workspace for values before a call"
        />
        <SelectField
          path={`${PLATFORM}.x_override_policy`}
          label="An override that is not allowed"
          fallback="reject"
          options={[
            { value: "reject", label: "refuses the conversation" },
            { value: "ignore_with_warning", label: "is left out, with a warning in the record" },
          ]}
        />
      </Card>
      <Card title="Variables" lead="Their placeholders are under Basics.">
        <SelectField
          path={`${PLATFORM}.x_missing_variable_policy`}
          label="A variable that nobody gave a value"
          fallback="error"
          options={[
            { value: "error", label: "refuses the conversation" },
            { value: "empty", label: "is empty" },
            { value: "placeholder", label: "is its own name, in brackets" },
          ]}
        />
      </Card>
    </Section>
  );
}

function Allow({ path, label }: { path: string; label: string }) {
  const field = useField<boolean>(path, false);
  return (
    <div>
      <Checkbox
        mt={8}
        label={<Label text={label} isChanged={field.isChanged} />}
        checked={field.value}
        onChange={(event) => field.set(event.currentTarget.checked)}
      />
      <Findings findings={field.findings} />
    </div>
  );
}
