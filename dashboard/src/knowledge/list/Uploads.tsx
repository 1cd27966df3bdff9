import { CloseButton, Group, Loader, Paper, Progress, Text, Title } from "@mantine/core";
import { IconCircleCheck, IconCircleX } from "@tabler/icons-react";
import { useState } from "react";

import { addFile, useKnowledgeActions } from "@/api/knowledge";
import { filled } from "@/parts/colours";

interface Upload {
  key: string;
  name: string;
  state: "waiting" | "reading" | "done" | "failed";
  problem?: string;
}

/** Files on their way into a folder, one after the other: the server reads each before it takes the next. */
export function useUploads(folder: string | null) {
  const [files, setFiles] = useState<Upload[]>([]);
  const { forget } = useKnowledgeActions();
  const mark = (key: string, some: Partial<Upload>) =>
    setFiles((before) => before.map((one) => (one.key === key ? { ...one, ...some } : one)));
  const add = async (chosen: File[]) => {
    const entries = chosen.map((file) => ({ file, key: `${file.name} ${Date.now()} ${Math.random()}` }));
    setFiles((before) => [
      ...before.filter((one) => one.state !== "done"),
      ...entries.map(({ file, key }): Upload => ({ key, name: file.name, state: "waiting" })),
    ]);
    for (const { file, key } of entries) {
      mark(key, { state: "reading" });
      try {
        await addFile(file, folder);
        mark(key, { state: "done" });
      } catch (error) {
        mark(key, { state: "failed", problem: error instanceof Error ? error.message : String(error) });
      }
      await forget();
    }
  };
  return { files, add: (chosen: File[]) => void add(chosen), clear: () => setFiles([]) };
}

export function Uploads({ uploads: { files, clear } }: { uploads: ReturnType<typeof useUploads> }) {
  if (!files.length) return null;
  const ended = files.filter((one) => one.state === "done" || one.state === "failed").length;
  return (
    <Paper p="md" component="section" aria-label="Files that are added">
      <Group justify="space-between" mb="xs">
        <Title order={2} fz="sm" className="numbers" aria-live="polite">
          {ended === files.length ? "Done" : "Reading"}: {ended} of {files.length}
        </Title>
        {ended === files.length && <CloseButton onClick={clear} aria-label="Close this list" />}
      </Group>
      <Progress value={(100 * ended) / files.length} aria-label="Files read" mb="xs" />
      {files.map((one) => (
        <Group key={one.key} gap="xs" wrap="nowrap" py={3} align="flex-start">
          <div style={{ width: 18, flex: "none", paddingTop: 2 }}>
            {one.state === "reading" && <Loader size={16} />}
            {one.state === "done" && <IconCircleCheck size={18} color={filled("teal")} aria-label="Added" />}
            {one.state === "failed" && <IconCircleX size={18} color={filled("red")} aria-label="Refused" />}
          </div>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {one.name}
            {one.problem && (
              <Text span inherit c="dimmed">
                {": "}
                {one.problem}
              </Text>
            )}
          </Text>
        </Group>
      ))}
    </Paper>
  );
}
