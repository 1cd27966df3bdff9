import { ActionIcon, Box, Code, CopyButton, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";

/** Something to be copied: a command, a snippet, an address. */
export function Command({ text, label = "Copy" }: { text: string; label?: string }) {
  return (
    <Box pos="relative" maw="100%">
      <Code block pr={48} fz="sm" tabIndex={0} style={{ overflowX: "auto" }}>
        {text}
      </Code>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? "Copied" : label} position="left">
            <ActionIcon
              pos="absolute"
              top={6}
              right={6}
              variant="default"
              bd="none"
              onClick={copy}
              aria-label={copied ? "Copied" : label}
            >
              {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </Box>
  );
}
