import { Anchor, Switch, Text, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "react-router";

import type { JsonObject } from "@/api/agents";
import { MCP_SERVERS, type Source, TOOLS } from "@/api/choices";
import { PickMany } from "@/parts/PickMany";

import { isObject } from "../editor/document";
import { useDraft, useField } from "../editor/draft";
import { Findings, Label, NumberField, SelectField, SwitchField, TextField } from "../editor/fields";
import { JsonField } from "../editor/JsonField";
import { Card, Section } from "../editor/Section";

const PROMPT = "conversation_config.agent.prompt";
const BUILT_IN = `${PROMPT}.built_in_tools`;

/** What the agent may do: the tools of this server, those of MCP servers, and those built in. */
export default function Tools() {
  const inline = useField<JsonObject[]>(`${PROMPT}.tools`, []);
  return (
    <Section title="Tools" lead="What the agent may do besides talking.">
      <Card title="Tools of this server">
        <Ids
          path={`${PROMPT}.tool_ids`}
          label="Tools"
          help={
            <>
              Webhooks and tools of the client, made under{" "}
              <Anchor component={Link} to="/tools" inherit underline="always">
                Tools
              </Anchor>
              .
            </>
          }
          from={TOOLS}
        />
        <Ids
          path={`${PROMPT}.mcp_server_ids`}
          label="MCP servers"
          help="All their tools, with the approval that each server asks for."
          from={MCP_SERVERS}
        />
        {inline.value.length > 0 && (
          <JsonField
            path={`${PROMPT}.tools`}
            label="Tools of this agent alone"
            help="They stand in the agent itself. Made under Tools, others could use them too."
            fallback={[]}
          />
        )}
      </Card>
      <Card title="Built in" lead="The conversation runs these itself. Switch on what the agent may do.">
        <BuiltIn name="end_call" label="End the call" help="When the goodbye has been heard.">
          <Description name="end_call" />
        </BuiltIn>
        <BuiltIn
          name="x_transfer_to_human"
          label="Ask for a person"
          help="Somebody takes the conversation over; the user waits for them."
        >
          <NumberField
            path={`${BUILT_IN}.x_transfer_to_human.params.wait_timeout_secs`}
            label="Wait for a person"
            fallback={120}
            min={5}
            max={3600}
            unit="s"
          />
          <TextField
            path={`${BUILT_IN}.x_transfer_to_human.params.waiting_message`}
            label="What the user is told meanwhile"
            placeholder="Somebody will be with you soon."
          />
          <SelectField
            path={`${BUILT_IN}.x_transfer_to_human.params.agent_while_waiting`}
            label="The agent meanwhile"
            fallback="answers"
            options={[
              { value: "answers", label: "goes on talking with the user" },
              { value: "silent", label: "is silent" },
            ]}
          />
          <Description name="x_transfer_to_human" />
        </BuiltIn>
        <BuiltIn
          name="transfer_to_agent"
          label="Hand over to another agent"
          help="By conditions that the model reads."
        >
          <JsonField
            path={`${BUILT_IN}.transfer_to_agent.params.transfers`}
            label="Transfers"
            help={'Each as {"agent_id": "…", "condition": "The user wants to buy something"}.'}
            fallback={[]}
            minHeight={90}
          />
        </BuiltIn>
        <BuiltIn
          name="language_detection"
          label="Change the language"
          help="To one of those under Languages, when the user speaks it."
        >
          <SwitchField
            path={`${BUILT_IN}.language_detection.params.only_at_conversation_start`}
            label="Only at the beginning"
          />
        </BuiltIn>
        <BuiltIn name="skip_turn" label="Say nothing" help="When the user asks for a moment.">
          <NumberField
            path={`${BUILT_IN}.skip_turn.params.wait_timeout_secs`}
            label="Look after them again after"
            placeholder="never"
            min={1}
            unit="s"
          />
        </BuiltIn>
        <BuiltIn
          name="voicemail_detection"
          label="Recognise voicemail"
          help="Leave a message and end the call."
        >
          <TextField
            path={`${BUILT_IN}.voicemail_detection.params.voicemail_message`}
            label="The message"
            help="Variables are filled in. Empty: none is left."
          />
        </BuiltIn>
        <BuiltIn
          name="play_keypad_touch_tone"
          label="Press keys"
          help="Sends the tones to clients that can play them."
        />
        <BuiltIn
          name="transfer_to_number"
          label="Transfer to a number"
          help="Needs a telephone; on a socket the model is told that there is none."
        >
          <JsonField
            path={`${BUILT_IN}.transfer_to_number.params.transfers`}
            label="Transfers"
            fallback={[]}
            minHeight={90}
          />
        </BuiltIn>
      </Card>
    </Section>
  );
}

/** Ids as names to choose from; those that lead nowhere stay visible. */
function Ids({ path, label, help, from }: { path: string; label: string; help: ReactNode; from: Source }) {
  const field = useField<string[]>(path, []);
  return (
    <div>
      <PickMany
        label={<Label text={label} isChanged={field.isChanged} />}
        description={help}
        placeholder="None"
        none="There are none yet"
        from={from}
        value={field.value}
        onChange={field.set}
      />
      <Findings findings={field.findings} />
    </div>
  );
}

function BuiltIn({
  name,
  label,
  help,
  children,
}: {
  name: string;
  label: string;
  help: string;
  children?: ReactNode;
}) {
  const field = useField<JsonObject | null>(`${BUILT_IN}.${name}`, null);
  const isOn = isObject(field.value);
  const { turnOn, turnOff } = useDraft();
  const path = `${BUILT_IN}.${name}`;
  const turn = (on: boolean) =>
    on ? turnOn(path, { name, description: "", params: { system_tool_type: name } }) : turnOff(path);
  return (
    <div>
      <Switch
        label={<Label text={label} isChanged={field.isChanged} />}
        description={help}
        checked={isOn}
        onChange={(event) => turn(event.currentTarget.checked)}
      />
      {isOn && children && (
        <div style={{ display: "grid", gap: 12, paddingLeft: 46, marginTop: 10 }}>{children}</div>
      )}
      <Findings findings={field.findings} />
    </div>
  );
}

function Description({ name }: { name: string }) {
  const field = useField<string>(`${BUILT_IN}.${name}.description`, "");
  return (
    <TextInput
      label={<Label text="When to use it" isChanged={field.isChanged} />}
      description={
        <Text inherit span>
          Instead of the usual words by which the model decides.
        </Text>
      }
      placeholder="The usual words"
      value={field.value}
      onChange={(event) => field.set(event.currentTarget.value)}
    />
  );
}
