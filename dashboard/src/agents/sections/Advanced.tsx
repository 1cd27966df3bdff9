import { NumberField, SelectField, SwitchField, TagsField } from "../editor/fields";
import { Card, Section } from "../editor/Section";
import { TextWithVariables } from "../editor/TextWithVariables";

const CONFIG = "conversation_config";
const CONVERSATION = `${CONFIG}.conversation`;

const FORMATS = [
  "pcm_8000",
  "pcm_16000",
  "pcm_22050",
  "pcm_24000",
  "pcm_44100",
  "pcm_48000",
  "ulaw_8000",
].map((value) => ({ value, label: value }));

const EVENTS = [
  "conversation_initiation_metadata",
  "ping",
  "audio",
  "interruption",
  "user_transcript",
  "tentative_user_transcript",
  "agent_response",
  "agent_response_correction",
  "agent_chat_response_part",
  "agent_response_complete",
  "agent_response_metadata",
  "agent_tool_request",
  "agent_tool_response",
  "client_tool_call",
  "mcp_tool_call",
  "mcp_connection_status",
  "vad_score",
  "guardrail_triggered",
  "dtmf_request",
  "client_error",
];

/** Formats, limits and what clients are told. */
export default function Advanced() {
  return (
    <Section title="Advanced" lead="Limits, formats and what clients are told. The rest is under JSON.">
      <Card title="The conversation">
        <NumberField
          path={`${CONVERSATION}.max_duration_seconds`}
          label="Longest conversation"
          fallback={600}
          min={1}
          max={86400}
          unit="s"
        />
        <TextWithVariables
          path={`${CONFIG}.agent.max_conversation_duration_message`}
          label="What is said then"
          minHeight={44}
        />
        <NumberField
          path={`${CONVERSATION}.x_resume_window_secs`}
          label="A client whose connection broke may come back for"
          help="0: not at all. Empty: as the server says."
          placeholder="as the server says"
          min={0}
          max={600}
          unit="s"
        />
        <SwitchField
          path={`${CONVERSATION}.monitoring_enabled`}
          label="May be listened to live"
          help="Others with the right to it watch and steer the conversation while it runs."
        />
        <SwitchField
          path={`${CONVERSATION}.file_input.enabled`}
          label="Users may share files and images"
          fallback
        />
      </Card>
      <Card title="Listening">
        <TagsField
          path={`${CONFIG}.asr.keywords`}
          label="Words to listen for"
          help="Names and terms that are easily misheard, for speech models that take them."
          placeholder="Parola"
        />
        <SelectField
          path={`${CONFIG}.asr.user_input_audio_format`}
          label="Sound from the client"
          fallback="pcm_16000"
          options={FORMATS}
        />
        <SelectField
          path={`${CONFIG}.tts.agent_output_audio_format`}
          label="Sound to the client"
          fallback="pcm_16000"
          options={FORMATS}
        />
      </Card>
      <Card title="What clients are told">
        <TagsField
          path={`${CONVERSATION}.client_events`}
          label="Events"
          help="Empty: the usual ones. Without “interruption” the agent cannot be interrupted."
          placeholder="The usual ones"
          data={EVENTS}
        />
      </Card>
      <Card title="The list of agents">
        <SwitchField
          path="platform_settings.archived"
          label="Archived"
          help="It is not in the list any more; it can still be called."
        />
      </Card>
    </Section>
  );
}
