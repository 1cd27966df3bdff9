import { ActionIcon, Anchor, Badge, Group, Select, Table, Text, VisuallyHidden } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "react-router";

import type { JsonObject } from "@/api/agents";
import { api } from "@/api/client";
import { DOCUMENTS, useChoices } from "@/api/choices";
import { KNOWLEDGE } from "@/api/knowledge";
import { failed } from "@/parts/notices";
import { PickOne } from "@/parts/PickOne";

import { useField } from "../editor/draft";
import { Findings, LongTextField, NumberField, SliderField, SwitchField } from "../editor/fields";
import { Card, Section } from "../editor/Section";

const PROMPT = "conversation_config.agent.prompt";
const RAG = `${PROMPT}.rag`;

interface Document {
  id: string;
  name: string;
  type: string;
}

const MODES = [
  { value: "auto", label: "searched, if search is on" },
  { value: "prompt", label: "always in the prompt" },
];

/** Which documents the agent knows, and how they are searched. */
export default function Knowledge() {
  const rag = useField<boolean>(`${RAG}.enabled`, false);
  return (
    <Section title="Knowledge" lead="Documents that the agent answers from.">
      <Documents />
      <Card title="Search" lead="Without it whole documents stand in the prompt, as far as they fit.">
        <SwitchField
          path={`${RAG}.enabled`}
          label="Search the documents at every turn"
          help="The passages that fit the question go to the model. Indexes are made by themselves."
        />
        {rag.value && (
          <>
            <SliderField
              path={`${RAG}.max_retrieved_rag_chunks_count`}
              label="Passages"
              help="At most so many for one answer."
              fallback={20}
              min={1}
              max={20}
              step={1}
            />
            <SliderField
              path={`${RAG}.max_vector_distance`}
              label="Distance"
              help="Passages further from the question are left out. Smaller: only what fits closely."
              fallback={0.6}
              min={0.1}
              max={1}
              step={0.05}
            />
            <NumberField
              path={`${RAG}.max_documents_length`}
              label="Characters of passages"
              fallback={50000}
              min={500}
              step={1000}
            />
            <LongTextField
              path={`${RAG}.query_rewrite_prompt_override`}
              label="Have the model write the question"
              help="Told by this prompt; costs a call of the model at every turn. Empty: what the user said is searched for."
            />
          </>
        )}
        <SwitchField
          path="conversation_config.conversation.source_attribution"
          label="Keep which documents an answer used"
          help="In the record; nobody hears it."
        />
      </Card>
    </Section>
  );
}

function Documents() {
  const field = useField<JsonObject[]>(`${PROMPT}.knowledge_base`, []);
  const ids = field.value.map(({ id }) => String(id));
  const { rows, missing } = useChoices(DOCUMENTS, "", ids);
  const known = rows as unknown as Document[];
  const queries = useQueryClient();
  const attach = (id: string | null) => {
    if (!id) return;
    const add = ({ name, type }: Document) =>
      field.set([...field.value, { type, name, id, usage_mode: "auto" }]);
    const document = known.find((one) => one.id === id);
    if (document) add(document);
    else {
      queries
        .fetchQuery({
          queryKey: [KNOWLEDGE, "one", id],
          queryFn: ({ signal }) => api.get<Document>(`${KNOWLEDGE}/${encodeURIComponent(id)}`, {}, signal),
        })
        .then(add, (error: unknown) => failed(error, "The document was not attached"));
    }
  };
  const change = (index: number, mode: string) =>
    field.set(field.value.map((one, at) => (at === index ? { ...one, usage_mode: mode } : one)));
  return (
    <Card title="Documents">
      {field.value.length > 0 ? (
        <Table.ScrollContainer minWidth={480}>
          <Table aria-label="Documents" highlightOnHover={false}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Document</Table.Th>
                <Table.Th w={230}>Used</Table.Th>
                <Table.Th w={44}>
                  <VisuallyHidden>Actions</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {field.value.map((one, index) => {
                const id = String(one.id);
                const document = known.find((other) => other.id === id);
                const name = document?.name ?? (String(one.name ?? "") || id);
                const isMissing = missing.includes(id);
                return (
                  <Table.Tr key={id}>
                    <Table.Td>
                      <Group gap="xs" wrap="nowrap">
                        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                          {name}
                        </Text>
                        <Badge size="sm" variant="light" color={isMissing ? "red" : "gray"} tt="none">
                          {isMissing ? "missing" : String(one.type)}
                        </Badge>
                      </Group>
                    </Table.Td>
                    <Table.Td>
                      <Select
                        size="xs"
                        aria-label={`How ${name} is used`}
                        data={MODES}
                        value={String(one.usage_mode ?? "auto")}
                        allowDeselect={false}
                        onChange={(mode) => mode && change(index, mode)}
                      />
                    </Table.Td>
                    <Table.Td>
                      <ActionIcon
                        variant="subtle"
                        color="gray"
                        aria-label={`Take out ${name}`}
                        onClick={() => field.set(field.value.filter((_, at) => at !== index))}
                      >
                        <IconTrash size={16} />
                      </ActionIcon>
                    </Table.Td>
                  </Table.Tr>
                );
              })}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      ) : (
        <Text size="sm" c="dimmed">
          This agent has no documents. Files, pages and texts are added under{" "}
          <Anchor component={Link} to="/knowledge" inherit underline="always">
            Knowledge base
          </Anchor>
          , and attached here.
        </Text>
      )}
      <PickOne
        label="Attach a document"
        placeholder="Choose one"
        none="There is none that is not attached"
        from={DOCUMENTS}
        without={(id) => ids.includes(id)}
        value={null}
        onChange={attach}
        maw={420}
      />
      <Findings findings={field.findings} />
    </Card>
  );
}
