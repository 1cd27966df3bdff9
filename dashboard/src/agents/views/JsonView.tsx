import { Badge, Button, CopyButton, Group, Paper, Text, Title, UnstyledButton } from "@mantine/core";
import type { EditorView } from "@codemirror/view";
import { IconCheck, IconCopy, IconDownload } from "@tabler/icons-react";
import { useEffect, useState } from "react";

import type { Agent, Finding, JsonObject } from "@/api/agents";
import { counted } from "@/parts/format";
import { saveAs } from "@/parts/save";

import CodeField from "../code/CodeField";
import { findingMarks, goTo, showFindings } from "../code/findingMarks";
import { jsonSetup } from "../code/setup";
import { useJsonText } from "../code/useJsonText";
import { documentOf, isObject } from "../editor/document";
import { useDraft } from "../editor/draft";
import { Section } from "../editor/Section";
import classes from "./views.module.css";

const EXTENSIONS = [jsonSetup, findingMarks];

/** The whole agent as JSON: what is typed here is in the draft as soon as it is JSON. */
export default function JsonView() {
  const { agent, document, findings, replace } = useDraft();
  const [view, setView] = useState<EditorView | null>(null);
  const { text, type, isJson } = useJsonText(document, (value) => {
    // A pulled agent may be pasted: what in it is the server's own is left out.
    if (isObject(value)) replace(documentOf(value as unknown as Agent));
  });
  useEffect(() => {
    if (view) showFindings(view, findings);
  }, [view, findings]);
  return (
    <Section
      title="JSON"
      lead="Everything that is stored of this agent, settings that this page does not show included. Paste an agent of elsewhere here to take it over."
    >
      <Group justify="space-between" gap="xs">
        <Check findings={findings} isJson={isJson} />
        <Group gap="xs">
          <CopyButton value={text}>
            {({ copied, copy }) => (
              <Button
                size="xs"
                variant="default"
                onClick={copy}
                leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
              >
                {copied ? "Copied" : "Copy"}
              </Button>
            )}
          </CopyButton>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconDownload size={14} />}
            onClick={() => download(document, agent.agent_id)}
          >
            Download
          </Button>
        </Group>
      </Group>
      <CodeField
        value={text}
        onChange={type}
        label="The agent as JSON"
        extensions={EXTENSIONS}
        minHeight={420}
        maxHeight="66vh"
        onReady={setView}
      />
      {findings.length > 0 && (
        <Paper p="md">
          <Title order={3} fz="sm" mb="xs">
            What the check found
          </Title>
          {findings.map((finding) => (
            <UnstyledButton
              key={`${finding.path} ${finding.message}`}
              className={classes.finding}
              onClick={() => view && goTo(view, finding.path)}
            >
              <Level finding={finding} />
              <span>
                <Text size="sm" span display="block">
                  {finding.message}
                </Text>
                <Text size="xs" c="dimmed" ff="monospace" span display="block" className={classes.path}>
                  {finding.path || "the whole agent"}
                </Text>
              </span>
            </UnstyledButton>
          ))}
        </Paper>
      )}
    </Section>
  );
}

const COLOURS = { error: "red", warning: "orange", note: "blue" };

function Level({ finding: { level } }: { finding: Finding }) {
  return (
    <Badge size="sm" variant="light" color={COLOURS[level]} tt="none" miw={64}>
      {level}
    </Badge>
  );
}

/** In a word: whether this can be called. */
function Check({ findings, isJson }: { findings: Finding[]; isJson: boolean }) {
  const count = (level: Finding["level"]) => findings.filter((finding) => finding.level === level).length;
  const [errors, warnings] = [count("error"), count("warning")];
  if (!isJson) {
    return (
      <Badge color="red" variant="light" tt="none">
        Not JSON yet: not part of the changes
      </Badge>
    );
  }
  const told = [errors && counted(errors, "error"), warnings && counted(warnings, "warning")].filter(Boolean);
  return (
    <Badge color={errors ? "red" : warnings ? "orange" : "teal"} variant="light" tt="none">
      {told.length ? told.join(", ") : "Nothing wrong"}
    </Badge>
  );
}

const download = (document: JsonObject, agentId: string) =>
  saveAs(new Blob([JSON.stringify(document, null, 2)], { type: "application/json" }), `${agentId}.json`);
