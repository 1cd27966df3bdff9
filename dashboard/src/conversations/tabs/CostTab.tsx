import { Code, Paper, Stack, Table, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

import type { ConversationRecord, Tokens } from "@/api/conversations";
import { counted, span } from "@/parts/format";

import { money } from "../words";

/** What the models took and what that costs by the owner's price list. */
export default function CostTab({ record }: { record: ConversationRecord }) {
  const { charging, cost_fiat: cost } = record.metadata;
  const used = charging.llm_usage.irreversible_generation.model_usage;
  const asked = charging.llm_usage.initiated_generation.model_usage;
  return (
    <Stack gap="md">
      <Paper p="lg">
        <Title order={2} fz={34} lh={1.1} className="numbers">
          {money(cost)}
        </Title>
        <Text size="sm" c="dimmed">
          {cost === null
            ? "Nothing is known of the cost yet."
            : "in US dollars, by the price list of this server."}{" "}
          {cost === 0 && (
            <>
              A model without a price costs nothing: prices stand in <Code>[prices]</Code> of parola.toml.
            </>
          )}
        </Text>
      </Paper>
      <Part title="Language model" lead="Every answer, as it was read and written.">
        <Usage usage={used} />
        {JSON.stringify(used) !== JSON.stringify(asked) && (
          <>
            <Text size="sm" c="dimmed" mt="md" mb={4}>
              With answers that were thrown away:
            </Text>
            <Usage usage={asked} />
          </>
        )}
      </Part>
      <Part title="Voice and ear" lead="What was spoken and heard.">
        <Table.ScrollContainer minWidth={300}>
          <Table withRowBorders={false} verticalSpacing={4}>
            <Table.Tbody>
              <Fact
                name="Text to speech"
                value={
                  charging.tts_usage
                    ? `${charging.tts_usage.primary_tts_model ?? "a voice"}: ${span(charging.tts_usage.total_audio_output_seconds)} of sound, ${counted(charging.tts_usage.total_characters ?? 0, "character")}`
                    : "not used"
                }
              />
              <Fact
                name="Speech to text"
                value={
                  charging.asr_usage
                    ? `${charging.asr_usage.asr_model ?? "an ear"}: ${span(charging.asr_usage.total_audio_input_seconds)} of speech in ${counted(charging.asr_usage.total_transcription_calls ?? 0, "transcription")}`
                    : "not used"
                }
              />
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Part>
      {charging.analysis && (
        <Part title="Analysis" lead="Reading the conversation afterwards, all runs together.">
          <Text className="numbers">{money(charging.analysis.total?.price)}</Text>
        </Part>
      )}
    </Stack>
  );
}

function Part({ title, lead, children }: { title: string; lead: string; children: ReactNode }) {
  return (
    <Paper p="lg">
      <Title order={2} fz="h4">
        {title}
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        {lead}
      </Text>
      {children}
    </Paper>
  );
}

const Fact = ({ name, value }: { name: string; value: string }) => (
  <Table.Tr>
    <Table.Th fw={400} c="dimmed" pl={0} w={150}>
      {name}
    </Table.Th>
    <Table.Td className="numbers">{value}</Table.Td>
  </Table.Tr>
);

function Usage({ usage }: { usage: Record<string, Record<string, Tokens>> }) {
  const rows = Object.entries(usage).flatMap(([model, kinds]) =>
    Object.entries(kinds).map(([kind, { tokens, price }]) => ({
      model: model || "script",
      kind,
      tokens,
      price,
    })),
  );
  if (!rows.length) return <Text c="dimmed">No model was asked.</Text>;
  return (
    <Table.ScrollContainer minWidth={420}>
      <Table verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th pl={0}>Model</Table.Th>
            <Table.Th>Tokens</Table.Th>
            <Table.Th ta="right">Number</Table.Th>
            <Table.Th ta="right">Price</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={`${row.model}/${row.kind}`}>
              <Table.Td pl={0}>{row.model}</Table.Td>
              <Table.Td>{row.kind.replaceAll("_", " ").replace("output total", "output")}</Table.Td>
              <Table.Td ta="right" className="numbers">
                {(row.tokens ?? 0).toLocaleString("en")}
              </Table.Td>
              <Table.Td ta="right" className="numbers">
                {money(row.price)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
