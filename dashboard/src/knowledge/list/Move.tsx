import { Button, Group, Modal, Stack } from "@mantine/core";
import { useState } from "react";

import { FOLDERS } from "@/api/choices";
import { type KnowledgeDocument, useKnowledgeActions } from "@/api/knowledge";
import { done, failed } from "@/parts/notices";
import { PickOne } from "@/parts/PickOne";

const TOP = "top";

/** Into another folder. */
export default function Move({ one, close }: { one: KnowledgeDocument; close: () => void }) {
  const { move } = useKnowledgeActions();
  const [to, setTo] = useState(one.folder_parent_id ?? TOP);
  return (
    <Modal opened onClose={close} title={`Move ${one.name}`}>
      <Stack>
        <PickOne
          label="Into"
          from={FOLDERS}
          first={[{ value: TOP, label: "The top" }]}
          without={(id) => id === one.id}
          value={to}
          onChange={(value) => setTo(value ?? TOP)}
          allowDeselect={false}
        />
        <Group justify="flex-end">
          <Button
            loading={move.isPending}
            onClick={() =>
              move.mutate(
                { id: one.id, folder: to === TOP ? null : to },
                {
                  onSuccess: () => {
                    done("Moved.");
                    close();
                  },
                  onError: (error) => failed(error),
                },
              )
            }
          >
            Move
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
