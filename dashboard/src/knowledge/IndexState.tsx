import { Badge, Group, Progress, Text, Tooltip } from "@mantine/core";

import { type Index, isIndexing } from "@/api/knowledge";

const WORDS: Record<string, [string, string]> = {
  succeeded: ["Searchable", "teal"],
  failed: ["Indexing failed", "red"],
  document_too_small: ["Too small to search", "gray"],
  rag_limit_exceeded: ["No room for an index", "red"],
};

/** Whether a document can be searched, or how far that has come. */
export function IndexState({ indexes }: { indexes: Index[] }) {
  const running = indexes.find(isIndexing);
  if (running) {
    const done = Math.round(running.progress_percentage);
    return (
      <Group gap="xs" wrap="nowrap">
        <Progress value={done} w={80} aria-label={`Indexed ${done} percent`} />
        <Text size="xs" c="dimmed" className="numbers">
          {done} %
        </Text>
      </Group>
    );
  }
  const index = indexes.find((one) => one.status === "succeeded") ?? indexes[0];
  if (!index) {
    return (
      <Text size="sm" c="dimmed" span>
        Not indexed
      </Text>
    );
  }
  const [label, colour] = WORDS[index.status] ?? [index.status.replaceAll("_", " "), "gray"];
  const badge = (
    <Badge variant="light" color={colour}>
      {label}
    </Badge>
  );
  return index.error_message ? <Tooltip label={index.error_message}>{badge}</Tooltip> : badge;
}
