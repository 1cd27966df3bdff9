import { Alert, Text } from "@mantine/core";

import { useField } from "../editor/draft";
import { NeverField, SwitchField, TagsField } from "../editor/fields";
import { Card, Section } from "../editor/Section";

const PRIVACY = "platform_settings.privacy";
const REDACTION = `${PRIVACY}.conversation_history_redaction`;

const KINDS = [
  "email_address",
  "contact_number",
  "url",
  "name",
  "date",
  "dob",
  "financial_id",
  "financial_id.payment_card",
  "financial_id.bank_account",
  "unique_id",
  "unique_id.government_issued_id",
  "unique_id.device_id",
  "unique_id.vehicle_id",
  "location",
];

/** What is kept of a conversation, and for how long. */
export default function Privacy() {
  const keepsNothing = useField<boolean>(`${PRIVACY}.zero_retention_mode`, false).value;
  const days = useField<number>(`${PRIVACY}.retention_days`, -1).value;
  const redacts = useField<boolean>(`${REDACTION}.enabled`, false).value;
  return (
    <Section
      title="Privacy"
      lead="What is kept of a conversation, and for how long. A conversation keeps the rules it began under."
    >
      <Card title="Nothing at all">
        <SwitchField
          path={`${PRIVACY}.zero_retention_mode`}
          label="Keep nothing that is said"
          help="No transcript, no recording, no file, no analysis: when it was and how it ended remains."
        />
        {keepsNothing && (
          <Alert color="blue">
            <Text size="sm">With this the settings below have nothing to work on.</Text>
          </Alert>
        )}
      </Card>
      <Card title="What is kept">
        <SwitchField path={`${PRIVACY}.record_voice`} label="Record the sound of calls" fallback />
        <NeverField
          path={`${PRIVACY}.retention_days`}
          label="Delete conversations after some days"
          help="Off: the server's own setting, or kept for ever."
          fallback={-1}
          whenOn={30}
          min={0}
          max={365}
          step={1}
        />
        {days >= 0 && (
          <>
            <SwitchField
              path={`${PRIVACY}.delete_transcript_and_pii`}
              label="The words"
              help="Transcript, analysis, variables, shared files. With neither of the two, both are deleted."
            />
            <SwitchField path={`${PRIVACY}.delete_audio`} label="The sound" />
            <SwitchField
              path={`${PRIVACY}.apply_to_existing_conversations`}
              label="Earlier conversations too"
              help="When this is saved, they get the same rules. What is deleted stays deleted."
            />
          </>
        )}
      </Card>
      <Card title="Redaction" lead="Personal details are replaced before anything is stored.">
        <SwitchField
          path={`${REDACTION}.enabled`}
          label="Replace personal details"
          help="jo@example.com becomes [EMAIL_ADDRESS]. The model and the tools have the words as they were said."
        />
        {redacts && (
          <TagsField
            path={`${REDACTION}.entities`}
            label="Which"
            help="A kind stands for all below it. None: all that are known."
            placeholder="All"
            data={KINDS}
          />
        )}
      </Card>
    </Section>
  );
}
