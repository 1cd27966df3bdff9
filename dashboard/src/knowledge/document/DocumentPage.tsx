import { Alert, Anchor, Button, Code, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { Link, useNavigate, useParams } from "react-router";

import {
  type KnowledgeDocument,
  useChunks,
  useDocument,
  useDocumentAgents,
  useIndexes,
  useKnowledgeActions,
} from "@/api/knowledge";
import { Failure } from "@/parts/Failure";
import { bytes } from "@/parts/format";
import { LoadMore } from "@/parts/LoadMore";
import { Loading } from "@/parts/Loading";
import { done, failed } from "@/parts/notices";
import { Page } from "@/parts/Page";
import { When } from "@/parts/When";

import { IndexState } from "../IndexState";
import { DocumentMenu } from "../list/DocumentMenu";

const READ = { whiteSpace: "pre-wrap", overflow: "auto", overflowWrap: "anywhere" } as const;

/** `/knowledge/:id`: what was read of a document, and the pieces that are searched. */
export default function DocumentPage() {
  const { documentId = "" } = useParams();
  const { data, error, refetch } = useDocument(documentId);
  const agents = useDocumentAgents(documentId);
  const navigate = useNavigate();
  const trail = [
    { label: "Knowledge base", to: "/knowledge" },
    ...(data?.folder_path ?? []).map(({ id, name }) => ({ label: name, to: `/knowledge?folder=${id}` })),
  ];
  if (!data) {
    return (
      <Page title="Document" trail={trail}>
        {error ? <Failure error={error} retry={() => void refetch()} /> : <Loading rows={4} height={80} />}
      </Page>
    );
  }
  const document = { ...data, dependent_agents: agents.data };
  return (
    <Page
      title={data.name}
      trail={trail}
      lead={<Lead document={document} />}
      actions={<DocumentMenu one={document} removed={() => void navigate("/knowledge")} />}
    >
      <Pieces id={documentId} />
      <Paper p="lg">
        <Title order={2} fz="md" mb="sm">
          What was read
        </Title>
        <Code block fz="xs" mah={520} tabIndex={0} role="region" aria-label="What was read" style={READ}>
          {data.extracted_inner_html}
        </Code>
      </Paper>
    </Page>
  );
}

function Lead({ document }: { document: KnowledgeDocument }) {
  const { url, filename, metadata, dependent_agents: agents } = document;
  return (
    <>
      <Text component="div" className="numbers" style={{ overflowWrap: "anywhere" }}>
        {url ?? filename ?? "A text"} · {bytes(metadata.size_bytes)} · changed{" "}
        <When at={metadata.last_updated_at_unix_secs} span />
      </Text>
      <Group gap={6}>
        {agents && <span>{agents.length ? "Used by" : "No agent uses it."}</span>}
        {agents?.map((agent) => (
          <Anchor key={agent.id} component={Link} underline="always" to={`/agents/${agent.id}`}>
            {agent.name}
          </Anchor>
        ))}
      </Group>
    </>
  );
}

/** The chunks of the document's index, or how to get one. */
function Pieces({ id }: { id: string }) {
  const indexes = useIndexes(id);
  const { index } = useKnowledgeActions();
  const ready = indexes.data?.find((one) => one.status === "succeeded");
  const problem = indexes.data?.find((one) => one.error_message)?.error_message;
  return (
    <Paper p="lg">
      <Group justify="space-between" mb="sm">
        <Group gap="xs">
          <Title order={2} fz="md">
            Pieces that are searched
          </Title>
          {indexes.data && <IndexState indexes={indexes.data} />}
        </Group>
        {indexes.data && !ready && (
          <Button
            size="xs"
            loading={index.isPending}
            onClick={() =>
              index.mutate(id, {
                onSuccess: () => done("It is being indexed."),
                onError: (error) => failed(error),
              })
            }
          >
            Index it
          </Button>
        )}
      </Group>
      {indexes.error && <Failure error={indexes.error} />}
      {problem && (
        <Alert color="red" mb="sm">
          {problem}
        </Alert>
      )}
      {!ready ? (
        <Text size="sm" c="dimmed">
          An agent that searches its knowledge has its documents indexed by itself. Without an index, the
          whole document stands in the prompt.
        </Text>
      ) : (
        <Chunks id={id} model={ready.model} />
      )}
    </Paper>
  );
}

function Chunks({ id, model }: { id: string; model: string }) {
  const list = useChunks(id, model);
  if (list.error) return <Failure error={list.error} retry={list.refetch} />;
  if (list.isPending) return <Loading rows={3} height={70} />;
  return (
    <Stack gap="xs">
      {list.items.map((chunk, index) => (
        <Paper key={chunk.id} p="sm" bg="transparent">
          <Text size="xs" c="dimmed" className="numbers" mb={2}>
            {index + 1}
          </Text>
          <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
            {chunk.content}
          </Text>
        </Paper>
      ))}
      <LoadMore list={list} />
    </Stack>
  );
}
