import { ActionIcon, Menu } from "@mantine/core";
import {
  IconBraces,
  IconCopy,
  IconDots,
  IconDownload,
  IconLink,
  IconRefresh,
  IconTrash,
} from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";

import {
  type ConversationRecord,
  CONVERSATIONS,
  deleteConversation,
  isRunning,
  loadAudio,
  runAnalysis,
} from "@/api/conversations";
import { confirm, done, failed } from "@/parts/notices";
import { saveAs } from "@/parts/save";

/** What can be done with a conversation. */
export function Actions({ record }: { record: ConversationRecord }) {
  const id = record.conversation_id;
  const navigate = useNavigate();
  const queries = useQueryClient();
  const again = () => queries.invalidateQueries({ queryKey: [CONVERSATIONS] });
  const analysis = useMutation({
    mutationFn: () => runAnalysis(id),
    onSuccess: () => {
      void again();
      done("The conversation was analysed again.");
    },
    onError: (error) => failed(error, "It was not analysed"),
  });
  const deletion = useMutation({
    mutationFn: () => deleteConversation(id),
    onSuccess: () => {
      queries.removeQueries({ queryKey: [CONVERSATIONS, id] });
      void again();
      done("The conversation was deleted.");
      void navigate("/conversations");
    },
    onError: (error) => failed(error, "It was not deleted"),
  });
  const sound = useMutation({
    mutationFn: () => loadAudio(id),
    onSuccess: (file) => saveAs(file, `${id}.mp3`),
    onError: (error) => failed(error, "The sound could not be fetched"),
  });
  const copy = (text: string, what: string) =>
    void navigator.clipboard.writeText(text).then(
      () => done(`${what} is on the clipboard.`),
      (error: unknown) => failed(error, "Nothing was copied"),
    );
  const isLive = isRunning(record.status);
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon
          variant="default"
          size="lg"
          aria-label="What can be done"
          loading={analysis.isPending || sound.isPending}
        >
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconCopy size={16} />} onClick={() => copy(id, "The id")}>
          Copy the id
        </Menu.Item>
        <Menu.Item leftSection={<IconLink size={16} />} onClick={() => copy(location.href, "The link")}>
          Copy the link to what is shown
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconDownload size={16} />}
          disabled={!record.has_audio || isLive}
          onClick={() => sound.mutate()}
        >
          Download the sound
        </Menu.Item>
        <Menu.Item
          leftSection={<IconBraces size={16} />}
          onClick={() =>
            saveAs(new Blob([JSON.stringify(record, null, 2)], { type: "application/json" }), `${id}.json`)
          }
        >
          Download the record
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconRefresh size={16} />}
          disabled={isLive || record.status === "processing"}
          onClick={() => analysis.mutate()}
        >
          Analyse it again
        </Menu.Item>
        <Menu.Item
          leftSection={<IconTrash size={16} />}
          color="red"
          onClick={() =>
            confirm(
              "Delete this conversation?",
              `Its transcript, events${record.has_audio ? ", recording" : ""} and files are deleted with it. ${isLive ? "It is running: it is ended first. " : ""}This cannot be undone.`,
              "Delete",
              () => deletion.mutate(),
            )
          }
        >
          Delete
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
