import { Anchor, Button, Group, Mark, Paper, Progress, Stack, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { Link } from "react-router";

import { AGENTS } from "@/api/choices";
import { type Retrieved, useKnowledgeActions, useSearch } from "@/api/knowledge";
import { Failure } from "@/parts/Failure";
import { LoadMore } from "@/parts/LoadMore";
import { Loading } from "@/parts/Loading";
import { PickOne } from "@/parts/PickOne";

import { KnowledgeFrame } from "../KnowledgeFrame";

/** `/knowledge/try`: what an agent would be given for a question, and where words stand. */
export default function TryPage() {
  return (
    <KnowledgeFrame>
      <Stack gap="lg" maw={900}>
        <Ask />
        <Search />
      </Stack>
    </KnowledgeFrame>
  );
}

/** The chunks an agent would be given for a question, without a conversation. */
function Ask() {
  const { ask } = useKnowledgeActions();
  const [agentId, setAgentId] = useState<string | null>(null);
  const [question, setQuestion] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (agentId) ask.mutate({ agentId, query: question.trim() });
  };
  return (
    <Paper p="lg">
      <Title order={2} fz="md">
        What an agent would be given
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        The pieces of its documents that it would read before it answers this question, best first.
      </Text>
      <form onSubmit={submit}>
        <Group gap="sm" align="flex-end">
          <PickOne
            label="Agent"
            placeholder="Choose an agent"
            from={AGENTS}
            value={agentId}
            onChange={setAgentId}
            flex="1 1 200px"
          />
          <TextInput
            label="Question"
            placeholder="Are there dishes without gluten?"
            value={question}
            onChange={(event) => setQuestion(event.currentTarget.value)}
            flex="2 1 260px"
          />
          <Button type="submit" loading={ask.isPending} disabled={!agentId || !question.trim()}>
            Ask
          </Button>
        </Group>
      </form>
      <Stack gap="xs" mt="md" role="status">
        {ask.error && <Failure error={ask.error} />}
        {ask.data?.chunks.map((chunk, index) => (
          <Piece key={chunk.chunk_id} chunk={chunk} place={index + 1} />
        ))}
        {ask.data?.chunks.length === 0 && (
          <Text size="sm">
            Nothing is near enough. Either the agent names no document that is indexed, or none is about this
            (max_vector_distance in its settings).
          </Text>
        )}
      </Stack>
    </Paper>
  );
}

function Piece({ chunk, place }: { chunk: Retrieved; place: number }) {
  const near = Math.max(0, Math.min(100, 100 * (1 - chunk.vector_distance)));
  return (
    <Paper p="sm" bg="transparent">
      <Group justify="space-between" gap="xs" mb={4}>
        <Text size="sm" fw={600}>
          {place}.{" "}
          <Anchor component={Link} to={`/knowledge/${chunk.document_id}`} inherit>
            {chunk.document_name}
          </Anchor>
        </Text>
        <Group gap="xs" wrap="nowrap">
          <Progress value={near} w={80} aria-label={`Distance ${chunk.vector_distance.toFixed(3)}`} />
          <Text size="xs" c="dimmed" className="numbers">
            distance {chunk.vector_distance.toFixed(3)}
          </Text>
        </Group>
      </Group>
      <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
        {chunk.text}
      </Text>
    </Paper>
  );
}

/** Where words stand, in all documents. */
function Search() {
  const [words, setWords] = useState("");
  const [looked] = useDebouncedValue(words.trim(), 250);
  const list = useSearch(looked);
  return (
    <Paper p="lg">
      <Title order={2} fz="md" mb="sm">
        Search the documents
      </Title>
      <TextInput
        aria-label="Words"
        placeholder="Words that all stand in a document"
        leftSection={<IconSearch size={16} />}
        value={words}
        onChange={(event) => setWords(event.currentTarget.value)}
      />
      <Stack gap="sm" mt="md" role="status">
        {list.error && <Failure error={list.error} />}
        {looked && list.isPending && <Loading rows={2} height={48} />}
        {looked && !list.isPending && !list.error && list.items.length === 0 && (
          <Text size="sm">No document has all of these words.</Text>
        )}
        {list.items.map(({ document, search_snippet }) => (
          <div key={document.id}>
            <Anchor
              component={Link}
              to={
                document.type === "folder" ? `/knowledge?folder=${document.id}` : `/knowledge/${document.id}`
              }
              fw={600}
              size="sm"
            >
              {document.name}
            </Anchor>
            {search_snippet && (
              <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
                {search_snippet.map((part, index) =>
                  part.is_hit ? <Mark key={index}>{part.value}</Mark> : part.value,
                )}
              </Text>
            )}
          </div>
        ))}
      </Stack>
      <LoadMore list={list} />
    </Paper>
  );
}
