import { Alert, Badge, Button, Code, Group, SimpleGrid, Skeleton, Stack, Text, Title } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";

import type { Json, JsonObject } from "@/api/agents";
import { type Invocation, useToolActions } from "@/api/tools";
import { Failure } from "@/parts/Failure";
import { span } from "@/parts/format";

import { exampleArguments, exampleVariables } from "./example";
import { Card } from "./ToolEditor";

const JsonBox = lazy(() => import("../../agents/code/JsonBox"));

interface Props {
  toolId: string;
  config: JsonObject;
  isDirty: boolean;
}

/** Call the tool now, outside of any conversation. */
export function TryIt({ toolId, config, isDirty }: Props) {
  const { invoke } = useToolActions();
  const [given, setGiven] = useState<Json>(() => exampleArguments(config));
  const [variables, setVariables] = useState<Json>(() => exampleVariables(config));
  return (
    <Stack gap="md">
      {isDirty && <Alert color="yellow">What is tried is the tool as it is stored. Save first.</Alert>}
      <Card title="Try it">
        <Text size="sm" c="dimmed" mb="sm">
          The request is real: what the service does, it does.
        </Text>
        <SimpleGrid cols={{ base: 1, md: 2 }}>
          <div>
            <Title order={3} fz="sm" mb={6}>
              What the model would give
            </Title>
            <Suspense fallback={<Skeleton height={140} />}>
              <JsonBox value={given} onChange={setGiven} label="Arguments" minHeight={140} />
            </Suspense>
          </div>
          <div>
            <Title order={3} fz="sm" mb={6}>
              Variables of the conversation
            </Title>
            <Suspense fallback={<Skeleton height={140} />}>
              <JsonBox value={variables} onChange={setVariables} label="Variables" minHeight={140} />
            </Suspense>
          </div>
        </SimpleGrid>
        <Button
          mt="md"
          leftSection={<IconPlayerPlay size={16} />}
          loading={invoke.isPending}
          onClick={() => invoke.mutate({ id: toolId, arguments: given, dynamic_variables: variables })}
        >
          Call it now
        </Button>
      </Card>
      {invoke.error && <Failure error={invoke.error} />}
      {invoke.data && <Outcome outcome={invoke.data} />}
    </Stack>
  );
}

function Outcome({ outcome }: { outcome: Invocation }) {
  const { is_error, status_code, latency_secs, warnings, tool_has_been_called } = outcome;
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} role="status">
      <Card title="The request as it was sent">
        {tool_has_been_called && outcome.request ? (
          <Block text={JSON.stringify(outcome.request, null, 2)} label="The request" />
        ) : (
          <Text size="sm">Nothing was sent.</Text>
        )}
      </Card>
      <Card title="The answer">
        <Group gap="xs" mb="sm">
          <Badge variant="light" color={is_error ? "red" : "teal"}>
            {is_error ? outcome.error_type.replaceAll("_", " ") : "Success"}
          </Badge>
          <Text size="sm" c="dimmed" className="numbers">
            {status_code !== null && `status ${status_code}, `}
            {span(latency_secs)}
          </Text>
        </Group>
        {warnings.map((warning) => (
          <Text key={warning} size="sm" c="var(--mantine-color-orange-text)">
            {warning}
          </Text>
        ))}
        {is_error && outcome.raw_error_message && <Text size="sm">{outcome.raw_error_message}</Text>}
        <Title order={3} fz="sm" mt="sm" mb={6}>
          What the model reads
        </Title>
        <Block text={outcome.result} label="What the model reads" />
      </Card>
    </SimpleGrid>
  );
}

function Block({ text, label }: { text: string; label: string }) {
  return (
    <Code
      block
      fz="xs"
      mah={420}
      tabIndex={0}
      role="region"
      aria-label={label}
      style={{ overflow: "auto", whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}
    >
      {text}
    </Code>
  );
}
