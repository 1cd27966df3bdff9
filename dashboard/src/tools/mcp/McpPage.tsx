import { Alert, Badge, Button, Group, Paper, Select, Stack, Text, Title } from "@mantine/core";
import { IconPlugConnectedX, IconRefresh, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { Navigate, useParams } from "react-router";

import { type McpServer, type McpTools, useMcpServer, useMcpTools, useToolActions } from "@/api/tools";
import { Failure } from "@/parts/Failure";
import { counted } from "@/parts/format";
import { Loading } from "@/parts/Loading";
import { confirm, done, failed } from "@/parts/notices";
import { Page } from "@/parts/Page";

import { McpSettings } from "./McpSettings";
import { POLICIES, transportLabel } from "./words";

const TRAIL = [{ label: "MCP servers", to: "/tools/mcp" }];

/** `/tools/mcp/:id`: one server: whether it answers, what it offers, who has to agree. */
export default function McpPage() {
  const { serverId = "" } = useParams();
  const server = useMcpServer(serverId);
  const { removeServer } = useToolActions();
  const [isGone, setGone] = useState(false);
  // What was not saved goes with the server: nobody is asked.
  if (isGone) return <Navigate to="/tools/mcp" replace />;
  if (!server.data) {
    return (
      <Page title="MCP server" trail={TRAIL}>
        {server.error ? <Failure error={server.error} /> : <Loading rows={3} height={80} />}
      </Page>
    );
  }
  const { config, dependent_agents: agents } = server.data;
  const erase = () =>
    confirm(
      `Delete ${config.name}?`,
      agents.length
        ? `${agents.map(({ name }) => name).join(", ")} will go on without its tools.`
        : "No agent uses it.",
      "Delete",
      () =>
        removeServer.mutate(serverId, {
          onSuccess: () => setGone(true),
          onError: (error) => failed(error, "The server stays"),
        }),
    );
  return (
    <Page
      title={config.name}
      trail={TRAIL}
      lead={
        <Text span ff="monospace" size="sm" style={{ overflowWrap: "anywhere" }}>
          {transportLabel(config.transport)} ·{" "}
          {typeof config.url === "string" ? config.url : JSON.stringify(config.url)}
        </Text>
      }
      actions={
        <Button variant="default" leftSection={<IconTrash size={16} />} onClick={erase}>
          Delete
        </Button>
      }
    >
      <Offered server={server.data} />
      <McpSettings server={server.data} />
    </Page>
  );
}

function Offered({ server }: { server: McpServer }) {
  const offered = useMcpTools(server.id);
  const { setPolicy } = useToolActions();
  const policy = server.config.approval_policy ?? "require_approval_all";
  return (
    <Paper p="lg">
      <Group justify="space-between" mb="md">
        <Group gap="xs">
          <Title order={2} fz="md">
            What it offers
          </Title>
          {offered.data && (
            <Badge variant="light" color={offered.data.success ? "teal" : "red"}>
              {offered.data.success ? "It answers" : "It does not answer"}
            </Badge>
          )}
        </Group>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconRefresh size={14} />}
          loading={offered.isFetching}
          onClick={() => void offered.refetch()}
        >
          Ask again
        </Button>
      </Group>
      <Select
        label="Who has to agree to a call"
        data={POLICIES}
        value={policy}
        onChange={(value) =>
          value &&
          setPolicy.mutate(
            { id: server.id, policy: value },
            { onSuccess: () => done("Saved."), onError: (error) => failed(error) },
          )
        }
        allowDeselect={false}
        maw={360}
        mb="md"
      />
      {offered.error ? (
        <Failure error={offered.error} />
      ) : !offered.data ? (
        <Loading rows={2} height={60} />
      ) : (
        <Stack gap="sm">
          {offered.data.error_message && (
            <Alert color="red" icon={<IconPlugConnectedX />} title={offered.data.error_message}>
              {offered.data.tools.length
                ? "These are the tools that it had when it was last reached."
                : "Check its address, and that it runs."}
            </Alert>
          )}
          {offered.data.success && (
            <Text size="sm" c="dimmed">
              {counted(offered.data.tools.length, "tool")}
            </Text>
          )}
          {offered.data.tools.map((tool) => (
            <OfferedTool
              key={tool.name}
              server={server}
              tool={tool}
              answer={offered.data}
              isChoice={policy === "require_approval_per_tool"}
            />
          ))}
        </Stack>
      )}
    </Paper>
  );
}

interface OfferedToolProps {
  server: McpServer;
  tool: McpTools["tools"][number];
  answer: McpTools;
  isChoice: boolean;
}

function OfferedTool({ server, tool, answer, isChoice }: OfferedToolProps) {
  const { approve, disapprove } = useToolActions();
  const status = answer.tool_approval_statuses.find((one) => one.tool_id === tool.name);
  const isApproved = status?.state === "up_to_date" && status.approval_policy === "auto_approved";
  const onError = (error: Error) => failed(error);
  return (
    <Paper p="sm" role="group" aria-label={tool.name}>
      <Group justify="space-between" align="flex-start" wrap="nowrap">
        <div style={{ minWidth: 0 }}>
          <Title order={3} fz="sm" ff="monospace" style={{ overflowWrap: "anywhere" }}>
            {tool.name}
          </Title>
          <Text size="sm" c="dimmed">
            {tool.description}
          </Text>
          {status?.state === "needs_review" && (
            <Text size="sm" c="var(--mantine-color-orange-text)">
              It has changed since it was approved.
            </Text>
          )}
        </div>
        {isChoice && (
          <Button
            size="xs"
            variant={isApproved ? "default" : "light"}
            loading={approve.isPending || disapprove.isPending}
            style={{ flex: "none" }}
            onClick={() =>
              isApproved
                ? disapprove.mutate({ id: server.id, name: tool.name }, { onError })
                : approve.mutate({ id: server.id, tool }, { onError })
            }
          >
            {isApproved ? "Take approval back" : "Approve"}
          </Button>
        )}
      </Group>
    </Paper>
  );
}
