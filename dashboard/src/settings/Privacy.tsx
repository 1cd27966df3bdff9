import { Stack, Text } from "@mantine/core";

import { useServer } from "@/api/server";
import { Block } from "@/parts/Block";
import { Command } from "@/parts/Command";
import { Failure } from "@/parts/Failure";
import { counted } from "@/parts/format";
import { Loading } from "@/parts/Loading";

import { Facts } from "./Facts";

const EXAMPLE = `retention_days = 30      # then conversations are deleted
record_audio = false     # no sound is kept
zero_retention = false   # true: nothing of what is said is written
egress = "none"          # connect to nothing but this machine`;

/** What is kept of conversations and for how long, where no agent says otherwise; and what may leave the machine. */
export default function Privacy() {
  const { data, error, refetch } = useServer();
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Loading rows={2} height={240} />;
  return (
    <Stack gap="md" maw={860}>
      <Block
        title="What is kept"
        lead="Of the conversations of all agents. An agent may keep less, in its privacy settings."
      >
        <Facts
          facts={[
            {
              name: "What was said",
              setting: "zero_retention",
              value: data.zero_retention ? "Not kept" : "Kept",
              text: data.zero_retention
                ? "Nothing of what is said in any conversation is written anywhere."
                : "Records have the words, the tools and what models answered.",
            },
            {
              name: "Recordings",
              setting: "record_audio",
              value: data.record_audio && !data.zero_retention ? "Kept" : "Not kept",
              text: data.record_audio
                ? "Voice conversations are recorded, unless their agent forbids it."
                : "No voice conversation is recorded.",
            },
            {
              name: "How long",
              setting: "retention_days",
              value: data.retention_days === null ? "For ever" : counted(data.retention_days, "day"),
              text: "Then a conversation is deleted with all that belongs to it, unless its agent says otherwise.",
            },
            {
              name: "Analysis",
              setting: "analysis",
              value: data.analysis === "off" ? "Only when asked for" : "After each call",
              text:
                data.analysis === "off"
                  ? "Nobody reads a conversation that has ended, unless somebody asks for it."
                  : "Where an agent asks for criteria or values, or a language model can summarise.",
            },
            {
              name: "Audit log",
              setting: "audit_retention_days",
              value:
                data.audit_retention_days === null ? "For ever" : counted(data.audit_retention_days, "day"),
              text: "Who did what on this server. What was said is not in it.",
            },
          ]}
        />
      </Block>
      <Block title="What may leave this machine">
        <Facts
          facts={[
            {
              name: "Connections",
              setting: "egress",
              value: data.egress === "none" ? "To nothing but this machine" : "Where settings and agents say",
              text:
                data.egress === "none"
                  ? "Models, tools and webhooks elsewhere are refused, whoever asks."
                  : "The configured models, and the tools and webhooks of agents.",
            },
            {
              name: "Private networks",
              setting: "outbound_private",
              value: { allow: "Allowed", deny: "Refused", auto: "Decided by itself" }[data.outbound_private],
              text:
                data.outbound_private === "auto"
                  ? "What agents name may lie on this machine or in its network only while the server is for this machine alone."
                  : "Whether what agents name may lie on this machine or in its network.",
            },
            {
              name: "Allowed all the same",
              setting: "outbound_allow",
              value: data.outbound_allow.join(", ") || "Nothing",
            },
          ]}
        />
      </Block>
      <Block title="Change it" lead="In parola.toml, or in the environment; then start the server again.">
        <Command text={EXAMPLE} label="Copy the example" />
        <Text size="sm" c="dimmed">
          All settings in force, and where each came from:
        </Text>
        <Command text="parola config" label="Copy the command" />
      </Block>
    </Stack>
  );
}
