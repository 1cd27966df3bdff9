import { Anchor, Button, Text } from "@mantine/core";
import { IconWand } from "@tabler/icons-react";

import type { JsonObject } from "@/api/agents";
import { docs } from "@/parts/docs";

import { useField } from "../editor/draft";
import { JsonField } from "../editor/JsonField";

const SCRIPT = "conversation_config.agent.prompt.x_script";

/** Words, an expression with a group, and what is said otherwise: enough to go on from. */
const EXAMPLE: JsonObject = {
  rules: [
    { when: ["hello", "good morning"], say: "Hello. How can I help you?" },
    { when: ["opening hours", "/when are you open/"], say: "We are open from nine to six." },
    { when: "/table for (\\w+)/", say: "A table for {{1}}: I have noted it." },
  ],
  default: "I can tell you the opening hours, or note a table.",
  on_silence: "Are you still there?",
};

/** The rules by which an agent answers without a model. */
export function Script() {
  const script = useField<JsonObject>(SCRIPT, {});
  const { rules } = script.value;
  const isEmpty = !Array.isArray(rules) || rules.length === 0;
  return (
    <>
      <JsonField
        path={SCRIPT}
        label="Script"
        help={
          <>
            Rules that answer without a model: the same in, the same out. The first whose <code>when</code>{" "}
            fits what the caller said answers, otherwise <code>default</code>.{" "}
            <Anchor href={docs("models.html#no-model-at-all")} target="_blank" inherit underline="always">
              All that a rule can say
            </Anchor>
          </>
        }
        fallback={{}}
        minHeight={220}
      />
      {isEmpty && (
        <div>
          <Text size="sm" c="dimmed" mb="xs">
            There is no rule yet. Without a script the agent calls the tools that a caller names, quotes its
            prompt where that answers a question, and otherwise says what it heard.
          </Text>
          <Button
            size="sm"
            variant="light"
            leftSection={<IconWand size={16} />}
            onClick={() => script.set(EXAMPLE)}
          >
            Insert an example
          </Button>
        </div>
      )}
    </>
  );
}
