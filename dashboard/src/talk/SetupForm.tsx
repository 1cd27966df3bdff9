import {
  Accordion,
  Badge,
  JsonInput,
  NumberInput,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";

import type { Agent, JsonObject } from "@/api/agents";
import { useVoices } from "@/api/voices";
import { at } from "@/agents/editor/document";
import { variablesOf } from "@/agents/editor/variables";

import {
  type ClientTool,
  isAllowed,
  isExtraBodyAllowed,
  missingVariables,
  OVERRIDE_PATHS,
  problemsOf,
  type Setup,
  variableField,
} from "./setup";
import { ToolAnswers } from "./ToolAnswers";

interface Props {
  agent: Agent;
  tools: ClientTool[];
  setup: Setup;
  onChange: (change: Partial<Setup>) => void;
  /** The last call could not begin. */
  isRefused: boolean;
}

/** What this page says to the server when a call begins, and how it answers the agent's tools. */
export function SetupForm({ agent, tools, setup, onChange, isRefused }: Props) {
  const document = agent as unknown as JsonObject;
  const variables = variablesOf(document).filter(({ kind }) => kind === "given" || kind === "missing");
  const missing = missingVariables(document, setup);
  return (
    <Accordion
      multiple
      defaultValue={["variables", "tools"]}
      variant="filled"
      chevronPosition="left"
      styles={HEADINGS}
    >
      <Accordion.Item value="variables">
        <Accordion.Control>
          Dynamic variables{" "}
          {missing.length > 0 && (
            <Badge color="orange" variant="light" tt="none" ml={6}>
              {missing.length} without a value
            </Badge>
          )}
        </Accordion.Control>
        <Accordion.Panel>
          <Stack gap="sm">
            {!variables.length && (
              <Text size="sm" c="dimmed">
                This agent uses none. Write {"{{name}}"} into its prompt or its first message to have one.
              </Text>
            )}
            {variables.map(({ name, places, placeholder, kind }) => (
              <TextInput
                key={name}
                id={variableField(name)}
                label={name}
                error={isRefused && missing.includes(name) && "The call was refused: it needs a value."}
                description={
                  kind === "missing"
                    ? `Needed in: ${places.join(", ")}. Without a value the call is refused.`
                    : places.length
                      ? `In: ${places.join(", ")}`
                      : undefined
                }
                placeholder={placeholder === undefined || placeholder === null ? "" : String(placeholder)}
                value={setup.variables[name] ?? ""}
                onChange={(event) =>
                  onChange({ variables: { ...setup.variables, [name]: event.currentTarget.value } })
                }
              />
            ))}
            <Field
              {...{ setup, onChange }}
              field="moreVariables"
              label="Others, as JSON"
              example='{"plan": "pro"}'
            />
          </Stack>
        </Accordion.Panel>
      </Accordion.Item>
      <Accordion.Item value="tools">
        <Accordion.Control>
          Client tools{" "}
          <Badge variant="default" tt="none" ml={6}>
            {tools.length}
          </Badge>
        </Accordion.Control>
        <Accordion.Panel>
          <ToolAnswers tools={tools} setup={setup} onChange={onChange} />
        </Accordion.Panel>
      </Accordion.Item>
      <Accordion.Item value="overrides">
        <Accordion.Control>Overrides</Accordion.Control>
        <Accordion.Panel>
          <Overrides {...{ document, setup, onChange }} />
        </Accordion.Panel>
      </Accordion.Item>
      <Accordion.Item value="more">
        <Accordion.Control>User, environment, custom LLM</Accordion.Control>
        <Accordion.Panel>
          <Stack gap="sm">
            <TextInput
              label="User id"
              description="Who calls, by your own name for them."
              value={setup.userId}
              onChange={(event) => onChange({ userId: event.currentTarget.value })}
            />
            <TextInput
              label="Environment"
              placeholder="production"
              value={setup.environment}
              onChange={(event) => onChange({ environment: event.currentTarget.value })}
            />
            <Field
              {...{ setup, onChange }}
              field="extraBody"
              label="Extra body for a custom LLM, as JSON"
              description={isExtraBodyAllowed(document) ? undefined : NOT_ALLOWED}
              example='{"tenant": "north"}'
            />
          </Stack>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}

const HEADINGS = { label: { fontSize: "var(--mantine-font-size-sm)", fontWeight: 600, paddingBlock: 10 } };

const NOT_ALLOWED = "The agent does not allow this: with a value here, the call is refused.";

function Overrides({
  document,
  setup,
  onChange,
}: Pick<Props, "setup" | "onChange"> & { document: JsonObject }) {
  const voices = useVoices();
  const told = (field: keyof typeof OVERRIDE_PATHS) => (isAllowed(document, field) ? undefined : NOT_ALLOWED);
  const own = (path: string) => {
    const value = at(document, `conversation_config.${path}`);
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  };
  return (
    <Stack gap="sm">
      <Textarea
        label="First message"
        description={told("firstMessage")}
        autosize
        minRows={1}
        maxRows={5}
        placeholder={own("agent.first_message")}
        value={setup.firstMessage}
        onChange={(event) => onChange({ firstMessage: event.currentTarget.value })}
      />
      <Textarea
        label="Prompt"
        description={told("prompt")}
        autosize
        minRows={2}
        maxRows={8}
        placeholder={own("agent.prompt.prompt").slice(0, 160)}
        value={setup.prompt}
        onChange={(event) => onChange({ prompt: event.currentTarget.value })}
      />
      <TextInput
        label="Language"
        description={told("language")}
        placeholder={own("agent.language") || "en"}
        value={setup.language}
        onChange={(event) => onChange({ language: event.currentTarget.value })}
      />
      <Select
        label="Voice"
        description={told("voiceId")}
        placeholder="The agent's own"
        clearable
        searchable
        data={(voices.data ?? []).map(({ voice_id, name, labels }) => ({
          value: voice_id,
          label: labels.language ? `${name} (${labels.language})` : name,
        }))}
        value={setup.voiceId || null}
        onChange={(voiceId) => onChange({ voiceId: voiceId ?? "" })}
      />
      <NumberInput
        label="Speed"
        description={told("speed")}
        placeholder={own("tts.speed") || "1"}
        step={0.05}
        min={0.7}
        max={1.2}
        value={setup.speed}
        onChange={(speed) => onChange({ speed: String(speed) })}
      />
      <TextInput
        label="Language model"
        description={told("llm")}
        placeholder={own("agent.prompt.llm")}
        value={setup.llm}
        onChange={(event) => onChange({ llm: event.currentTarget.value })}
      />
      <Field
        {...{ setup, onChange }}
        field="promptMore"
        label="More of agent.prompt, as JSON"
        example='{"tool_ids": []}'
      />
    </Stack>
  );
}

interface FieldProps {
  field: "moreVariables" | "promptMore" | "extraBody";
  label: string;
  description?: string;
  example: string;
  setup: Setup;
  onChange: (change: Partial<Setup>) => void;
}

function Field({ field, label, description, example, setup, onChange }: FieldProps) {
  return (
    <JsonInput
      label={label}
      description={description}
      placeholder={example}
      autosize
      minRows={1}
      maxRows={8}
      styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: 13 } }}
      value={setup[field]}
      onChange={(value) => onChange({ [field]: value })}
      error={problemsOf(setup)[field]}
    />
  );
}
