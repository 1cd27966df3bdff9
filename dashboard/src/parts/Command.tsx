import { ActionIcon, Box, Code, CopyButton, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";

interface Props {
  text: string;
  label?: string;
  /** Go on in the next line rather than out of sight. */
  wraps?: boolean;
}

const WRAPPED = { whiteSpace: "pre-wrap", overflowWrap: "anywhere" } as const;

const BEHIND = "light-dark(var(--mantine-color-gray-0), var(--mantine-color-dark-6))";

/** Something to be copied: a command, a snippet, an address. */
export function Command({ text, label = "Copy", wraps = false }: Props) {
  return (
    <Box
      pos="relative"
      maw="100%"
      pr={40}
      style={{ background: BEHIND, borderRadius: "var(--mantine-radius-sm)" }}
    >
      {/* What is too wide is scrolled, and does not go on below the button. */}
      <Code
        block
        bg="transparent"
        fz="sm"
        ta="left"
        tabIndex={0}
        style={wraps ? WRAPPED : { overflowX: "auto" }}
      >
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
