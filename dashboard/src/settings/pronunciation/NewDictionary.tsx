import { Button, FileInput, Group, Modal, Stack, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";

import { useDictionaryActions } from "@/api/dictionaries";
import { Failure } from "@/parts/Failure";

/** Makes a dictionary: an empty one, or from a file of rules. */
export function NewDictionary({ close, show }: { close: () => void; show: (id: string) => void }) {
  const { create } = useDictionaryActions();
  const [name, setName] = useState("");
  const [file, setFile] = useState<File | null>(null);
  const send = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ name: name.trim(), file }, { onSuccess: ({ id }) => show(id) });
  };
  return (
    <Modal opened onClose={close} title="A new dictionary">
      <form onSubmit={send}>
        <Stack gap="md">
          <TextInput
            label="Name"
            placeholder="Names of our products"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            data-autofocus
            required
          />
          <FileInput
            label="A PLS file (optional)"
            description="A lexicon in the form of the W3C; its rules are taken over."
            placeholder="Choose a file"
            accept=".pls,.xml,text/xml,application/pls+xml"
            value={file}
            onChange={setFile}
            clearable
            clearButtonProps={{ "aria-label": "Without a file" }}
          />
          {create.error && <Failure error={create.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" disabled={!name.trim()} loading={create.isPending}>
              Create
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
