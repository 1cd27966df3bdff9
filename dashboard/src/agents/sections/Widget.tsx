import { ColorInput, SimpleGrid } from "@mantine/core";

import { useField } from "../editor/draft";
import { Findings, Label, SelectField, SwitchField, TextField } from "../editor/fields";
import { Card, Section } from "../editor/Section";

const WIDGET = "platform_settings.widget";
const TEXTS = `${WIDGET}.text_contents`;

const options = (values: string[]) => values.map((value) => ({ value, label: value.replaceAll("-", " ") }));

const COLOURS: [path: string, label: string, fallback: string][] = [
  ["bg_color", "Background", "#ffffff"],
  ["text_color", "Text", "#000000"],
  ["btn_color", "Button", "#000000"],
  ["btn_text_color", "Text of the button", "#ffffff"],
  ["border_color", "Border", "#e1e1e1"],
  ["focus_color", "Focus", "#000000"],
];

/** How the widget looks, what it says, and what it lets people do. */
export default function Widget() {
  return (
    <Section title="Widget" lead="The element for web pages. How to put it into one is under Connect.">
      <Card title="Look">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <SelectField
            path={`${WIDGET}.variant`}
            label="Size"
            fallback="full"
            options={options(["tiny", "compact", "full", "expandable"])}
          />
          <SelectField
            path={`${WIDGET}.placement`}
            label="Place"
            fallback="bottom-right"
            options={options(["top-left", "top", "top-right", "bottom-left", "bottom", "bottom-right"])}
          />
        </SimpleGrid>
        <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }}>
          {COLOURS.map(([path, label, fallback]) => (
            <Colour key={path} path={`${WIDGET}.${path}`} label={label} fallback={fallback} />
          ))}
        </SimpleGrid>
      </Card>
      <Card title="Words">
        <TextField path={`${TEXTS}.main_label`} label="Title" placeholder="Need help?" />
        <TextField path={`${TEXTS}.start_call`} label="Button that calls" placeholder="Start a call" />
        <TextField path={`${TEXTS}.end_call`} label="Button that hangs up" placeholder="End" />
        <TextField
          path={`${TEXTS}.input_placeholder`}
          label="In the empty field"
          placeholder="Send a message"
        />
        <TextField path={`${WIDGET}.terms_text`} label="Terms that have to be accepted" />
      </Card>
      <Card title="What people can do">
        <SwitchField path={`${WIDGET}.text_input_enabled`} label="Type during a call" fallback />
        <SwitchField path={`${WIDGET}.transcript_enabled`} label="Read along" fallback />
        <SwitchField path={`${WIDGET}.mic_muting_enabled`} label="Mute the microphone" fallback />
        <SwitchField path={`${WIDGET}.supports_text_only`} label="Chat without a call" fallback />
        <SwitchField
          path={`${WIDGET}.language_selector`}
          label="Choose a language"
          help="Needs “Language” to be allowed under Personalisation."
        />
        <SwitchField path={`${WIDGET}.default_expanded`} label="Open from the start" />
        <SwitchField path={`${WIDGET}.dismissible`} label="Close it" />
      </Card>
    </Section>
  );
}

function Colour({ path, label, fallback }: { path: string; label: string; fallback: string }) {
  const field = useField<string>(path, fallback);
  return (
    <div>
      <ColorInput
        label={<Label text={label} isChanged={field.isChanged} />}
        value={field.value}
        onChange={field.set}
        withEyeDropper={false}
      />
      <Findings findings={field.findings} />
    </div>
  );
}
