import { Button, Group, Modal, Stack, Switch, Textarea, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";

import { useKnowledgeActions } from "@/api/knowledge";
import { Failure } from "@/parts/Failure";
import { done } from "@/parts/notices";

export type Kind = "text" | "url" | "folder";

const TITLES: Record<Kind, string> = {
  text: "Add a text",
  url: "Add a page of the web",
  folder: "New folder",
};

/** Add a text, a page or a folder to where one is. */
export function AddForm({ kind, folder, close }: { kind: Kind; folder: string | null; close: () => void }) {
  const { add } = useKnowledgeActions();
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const [isSynced, setSynced] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const content = {
      folder: {},
      text: { text },
      url: { url: text.trim(), enable_auto_sync: isSynced },
    }[kind];
    const named = name.trim() ? { name: name.trim() } : {};
    add.mutate(
      { kind, ...named, ...content, ...(folder ? { parent_folder_id: folder } : {}) },
      {
        onSuccess: () => {
          done("Added.");
          close();
        },
      },
    );
  };
  return (
    <Modal opened onClose={close} title={TITLES[kind]} size={kind === "text" ? "lg" : "md"}>
      <form onSubmit={submit}>
        <Stack>
          {kind === "url" && (
            <TextInput
              label="URL"
              placeholder="https://example.com/hours"
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              data-autofocus
              required
            />
          )}
          <TextInput
            label="Name"
            description={kind === "url" ? "Without one, the title of the page." : undefined}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            required={kind !== "url"}
            {...(kind === "url" ? {} : { "data-autofocus": true })}
          />
          {kind === "text" && (
            <Textarea
              label="Text"
              description="Markdown: headings help, they stand in front of each piece that is found."
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              autosize
              minRows={8}
              maxRows={20}
              required
            />
          )}
          {kind === "url" && (
            <Switch
              label="Fetch it again every week"
              checked={isSynced}
              onChange={(event) => setSynced(event.currentTarget.checked)}
            />
          )}
          {add.error && <Failure error={add.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button
              type="submit"
              loading={add.isPending}
              disabled={(kind !== "folder" && !text.trim()) || (kind !== "url" && !name.trim())}
            >
              {kind === "folder" ? "Create" : "Add"}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
