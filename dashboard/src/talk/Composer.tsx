import { useConversationControls } from "@elevenlabs/react";
import {
  ActionIcon,
  Badge,
  Box,
  Button,
  CloseButton,
  FileButton,
  Group,
  Menu,
  TextInput,
  Tooltip,
} from "@mantine/core";
import { IconHandStop, IconInfoCircle, IconPaperclip, IconPlus, IconSend } from "@tabler/icons-react";
import { type FormEvent, useEffect, useRef, useState } from "react";

import { shareFile } from "@/api/talk";
import { bytes } from "@/parts/format";
import { failed } from "@/parts/notices";

/** While someone types, the agent is told so this often: it holds back for two seconds each time. */
const ACTIVITY_EVERY_MS = 1500;

interface Props {
  conversationId: string | null;
  takesFiles: boolean;
}

/** Write to the agent: a message, something it should know, a file. */
export function Composer({ conversationId, takesFiles }: Props) {
  const controls = useConversationControls();
  const [text, setText] = useState("");
  const [isContext, setIsContext] = useState(false);
  const [files, setFiles] = useState<{ id: string; name: string; size: number }[]>([]);
  const [isUploading, setIsUploading] = useState(false);
  const toldAt = useRef(0);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // On a phone this would open the keyboard over everything.
    if (matchMedia("(pointer: fine)").matches) input.current?.focus({ preventScroll: true });
  }, []);

  const send = (event: FormEvent) => {
    event.preventDefault();
    const words = text.trim();
    if (!words && !files.length) return;
    if (isContext) controls.sendContextualUpdate(words);
    else if (files.length) {
      controls.sendMultimodalMessage({ text: words || undefined, fileIds: files.map(({ id }) => id) });
      setFiles([]);
    } else controls.sendUserMessage(words);
    setText("");
    setIsContext(false);
  };
  const type = (value: string) => {
    setText(value);
    if (isContext || !value || performance.now() - toldAt.current < ACTIVITY_EVERY_MS) return;
    toldAt.current = performance.now();
    controls.sendUserActivity();
  };
  const attach = async (file: File | null) => {
    if (!file || !conversationId) return;
    setIsUploading(true);
    try {
      const id = await shareFile(conversationId, file);
      setFiles((now) => [...now, { id, name: file.name, size: file.size }]);
    } catch (error) {
      failed(error, "The file was not taken");
    } finally {
      setIsUploading(false);
    }
  };
  return (
    <Box
      component="form"
      onSubmit={send}
      p="sm"
      style={{ borderTop: "1px solid var(--mantine-color-default-border)" }}
    >
      {(isContext || files.length > 0) && (
        <Group gap="xs" mb={8}>
          {isContext && (
            <Badge
              variant="light"
              tt="none"
              rightSection={
                <CloseButton size="xs" aria-label="Send as a message" onClick={() => setIsContext(false)} />
              }
            >
              Something the agent should know, without answering
            </Badge>
          )}
          {files.map((file) => (
            <Badge
              key={file.id}
              variant="light"
              tt="none"
              rightSection={
                <CloseButton
                  size="xs"
                  aria-label={`Leave out ${file.name}`}
                  onClick={() => setFiles((now) => now.filter(({ id }) => id !== file.id))}
                />
              }
            >
              {file.name}, {bytes(file.size)}
            </Badge>
          ))}
        </Group>
      )}
      <Group gap="xs" wrap="nowrap">
        <FileButton onChange={(file) => void attach(file)} inputProps={{ "aria-label": "File to share" }}>
          {({ onClick }) => (
            <Menu position="top-start" shadow="md">
              <Menu.Target>
                <ActionIcon size="lg" variant="default" aria-label="More to send" loading={isUploading}>
                  <IconPlus size={18} />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item leftSection={<IconInfoCircle size={16} />} onClick={() => setIsContext(true)}>
                  Tell the agent something (contextual_update)
                </Menu.Item>
                <Menu.Item
                  leftSection={<IconHandStop size={16} />}
                  onClick={() => controls.sendUserActivity()}
                >
                  Hold the agent back for 2 s (user_activity)
                </Menu.Item>
                <Menu.Item
                  leftSection={<IconPaperclip size={16} />}
                  disabled={!takesFiles || !conversationId}
                  onClick={onClick}
                >
                  {takesFiles ? "Share a file" : "Share a file: this agent takes none"}
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          )}
        </FileButton>
        <TextInput
          ref={input}
          flex={1}
          aria-label={isContext ? "What the agent should know" : "Message"}
          placeholder={isContext ? "The user is on the page “Checkout”" : "Write to the agent"}
          value={text}
          onChange={(event) => type(event.currentTarget.value)}
          autoComplete="off"
        />
        <Tooltip label="Send">
          <Button type="submit" px="sm" aria-label="Send" disabled={!text.trim() && !files.length}>
            <IconSend size={18} />
          </Button>
        </Tooltip>
      </Group>
    </Box>
  );
}
