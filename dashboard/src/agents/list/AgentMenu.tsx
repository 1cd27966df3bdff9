import { Menu } from "@mantine/core";
import { IconBraces, IconCopy, IconMessages, IconPlugConnected } from "@tabler/icons-react";
import { Link, useNavigate } from "react-router";

import { useAgentActions } from "@/api/agents";
import { confirm, done, failed } from "@/parts/notices";
import { RowMenu } from "@/parts/RowMenu";

interface Props {
  agent: { agent_id: string; name: string };
  /** Told when it is gone. */
  removed?: () => void;
}

/** What can be done with one agent, besides opening it. */
export function AgentMenu({ agent, removed }: Props) {
  const { duplicate, remove } = useAgentActions();
  const navigate = useNavigate();
  const { agent_id: agentId, name } = agent;
  const copy = () =>
    duplicate.mutate(
      { agentId, name: `${name} (copy)` },
      {
        onSuccess: (made) => {
          done(`“${name}” was copied.`);
          void navigate(`/agents/${made.agent_id}`);
        },
        onError: (error) => failed(error),
      },
    );
  const ask = () =>
    confirm(
      `Delete “${name}”?`,
      "Apps that use it cannot call it any more, and its versions go with it. Its conversations stay.",
      "Delete the agent",
      () =>
        remove.mutate(agentId, {
          onSuccess: () => {
            done(`“${name}” is deleted.`);
            removed?.();
          },
          onError: (error) => failed(error),
        }),
    );
  return (
    <RowMenu name={name} erase={ask}>
      <Menu.Item
        component={Link}
        to={`/conversations?agent=${agentId}`}
        leftSection={<IconMessages size={16} />}
      >
        Conversations
      </Menu.Item>
      <Menu.Item
        component={Link}
        to={`/agents/${agentId}?section=connect`}
        leftSection={<IconPlugConnected size={16} />}
      >
        Connect an app
      </Menu.Item>
      <Menu.Item
        component={Link}
        to={`/agents/${agentId}?section=json`}
        leftSection={<IconBraces size={16} />}
      >
        JSON
      </Menu.Item>
      <Menu.Item leftSection={<IconCopy size={16} />} onClick={copy}>
        Duplicate
      </Menu.Item>
    </RowMenu>
  );
}
