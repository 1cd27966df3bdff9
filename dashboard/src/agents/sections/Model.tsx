import { Alert, Autocomplete, Code, Select, Switch, Text } from "@mantine/core";
import { IconArrowNarrowRight } from "@tabler/icons-react";
import { Link } from "react-router";

import { useLanguageModels, useLlmNames } from "@/api/llms";

import { at } from "../editor/document";
import { useDraft, useField } from "../editor/draft";
import {
  Findings,
  Label,
  NeverField,
  SelectField,
  SliderField,
  SwitchField,
  TagsField,
} from "../editor/fields";
import { Card, Section } from "../editor/Section";
import { answeredBy, hasNoModel } from "./answeredBy";
import { CustomModel } from "./CustomModel";
import { Script } from "./Script";

const PROMPT = "conversation_config.agent.prompt";

/** Names that agents of other servers bring along. */
const HOSTED = ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gemini-2.5-flash", "claude-sonnet-4-5"];

/** Which model thinks, and how. */
export default function Model() {
  const llm = useField<string>(`${PROMPT}.llm`, "gemini-2.5-flash");
  return (
    <Section title="Model" lead="The language model that writes the answers.">
      <Card>
        <ModelName />
        {llm.value === "custom-llm" && <CustomModel />}
        {llm.value === "x-script" && <Script />}
      </Card>
      <Card title="How it writes">
        <Temperature />
        <NeverField
          path={`${PROMPT}.max_tokens`}
          label="Limit the length of an answer"
          help="In tokens; off: as long as the model likes."
          fallback={-1}
          whenOn={300}
          min={20}
          max={4000}
          step={20}
        />
        <SelectField
          path={`${PROMPT}.reasoning_effort`}
          label="Reasoning effort"
          help="For models that think before they answer. Thoughts are never spoken, but they take time."
          fallback=""
          clearable
          options={["none", "minimal", "low", "medium", "high", "xhigh", "max"].map((value) => ({
            value,
            label: value,
          }))}
        />
        <SwitchField path={`${PROMPT}.enable_reasoning_summary`} label="Keep what it thought in the record" />
      </Card>
      <Backup />
    </Section>
  );
}

function ModelName() {
  const field = useField<string>(`${PROMPT}.llm`, "gemini-2.5-flash");
  const names = useLlmNames();
  const models = useLanguageModels();
  const own = names.data ?? [];
  const answerer = models.data && answeredBy(field.value, models.data);
  const isOwn = field.value === "custom-llm" || field.value === "x-script";
  return (
    <div>
      <Autocomplete
        label={<Label text="Model" isChanged={field.isChanged} />}
        description="A name of this server, or the name the agent has elsewhere: the server maps it."
        data={[
          { group: "On this server", items: own },
          { group: "Names from elsewhere", items: HOSTED.filter((name) => !own.includes(name)) },
        ]}
        value={field.value}
        onChange={(value) => field.set(value)}
        maw={420}
      />
      {isOwn ? (
        <Text size="sm" c="dimmed" mt={8}>
          {field.value === "x-script"
            ? "Answered by the script below, without a model."
            : "Answered by the endpoint below, an agent's own."}
        </Text>
      ) : models.data && hasNoModel(models.data) ? (
        <NoModel name={field.value} />
      ) : (
        answerer && (
          <Alert mt={10} color={answerer.isStandIn ? "orange" : "teal"} p="xs" variant="light">
            <Text size="sm">
              <Code>{field.value}</Code>{" "}
              <IconArrowNarrowRight
                size={16}
                style={{ verticalAlign: "-3px" }}
                aria-label="is answered here by"
              />{" "}
              <Code>{answerer.who}</Code> · {answerer.why}.{" "}
              {answerer.isStandIn && (
                <>
                  Say otherwise in <Code>[mapping.llm]</Code> of parola.toml, see{" "}
                  <Link to="/models">Models</Link>.
                </>
              )}
            </Text>
          </Alert>
        )
      )}
      <Findings findings={field.findings} />
    </div>
  );
}

/** The server has none: what answers instead, and how to have one. */
function NoModel({ name }: { name: string }) {
  return (
    <Alert mt={10} color="orange" p="xs" variant="light">
      <Text size="sm">
        No language model is configured on this server, so <Code>{name}</Code> leads to none: the agent
        follows its script, or quotes its prompt. Name one in <Code>[llm.default]</Code> of parola.toml or by{" "}
        <Code>PAROLA_LLM_BASE_URL</Code>, and start the server again. See{" "}
        <Link to="/models?tab=add">Add models</Link>.
      </Text>
    </Alert>
  );
}

/** 0 to 2; null is not the default but "do not send one", which some models ask for. */
function Temperature() {
  const { document, set } = useDraft();
  const path = `${PROMPT}.temperature`;
  const isSent = at(document, path) !== null;
  return (
    <>
      {isSent && (
        <SliderField
          path={path}
          label="Temperature"
          help="0: the likeliest words. Higher: more varied, and less reliable."
          fallback={0}
          min={0}
          max={2}
          step={0.05}
        />
      )}
      <Switch
        label="Send no temperature"
        description="Some models refuse the parameter."
        checked={!isSent}
        onChange={(event) => set(path, event.currentTarget.checked ? null : 0)}
      />
    </>
  );
}

function Backup() {
  const preference = useField<string>(`${PROMPT}.backup_llm_config.preference`, "default");
  const order = useField<string[]>(`${PROMPT}.backup_llm_config.order`, []);
  const whole = useField<Record<string, string | string[]>>(`${PROMPT}.backup_llm_config`, {});
  const names = useLlmNames();
  const choose = (value: string | null) =>
    value &&
    whole.set(value === "override" ? { preference: value, order: order.value } : { preference: value });
  return (
    <Card
      title="When the model fails"
      lead="Another one goes on: when it raises an error, or says nothing for too long."
    >
      <Select
        label={<Label text="Who is asked instead" isChanged={preference.isChanged} />}
        data={[
          { value: "default", label: "The server's backup models" },
          { value: "override", label: "Models of this agent" },
          { value: "disabled", label: "Nobody: the call ends" },
        ]}
        value={preference.value}
        allowDeselect={false}
        onChange={choose}
        maw={420}
      />
      {preference.value === "override" && (
        <TagsField
          path={`${PROMPT}.backup_llm_config.order`}
          label="In this order"
          data={names.data}
          placeholder="Name of a model"
        />
      )}
      {preference.value !== "disabled" && (
        <SliderField
          path={`${PROMPT}.cascade_timeout_seconds`}
          label="Patience"
          help="So long the model may take to its first token while there is another to ask."
          fallback={4}
          min={2}
          max={15}
          step={0.5}
          unit="s"
        />
      )}
    </Card>
  );
}
