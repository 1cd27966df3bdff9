import { Button, Group, Modal, Paper, Select, Stack, Table, Text, TextInput } from "@mantine/core";
import { IconPlugConnected, IconPlus } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { Link, useNavigate } from "react-router";

import type { Json, JsonObject } from "@/api/agents";
import { useMcpServers, useToolActions } from "@/api/tools";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";
import rows from "@/parts/Rows.module.css";

import { ToolsFrame } from "../ToolsFrame";
import { McpFields } from "./McpFields";
import { POLICIES, policyLabel, TRANSPORTS, transportLabel } from "./words";

/** `/tools/mcp`: servers of others whose tools agents may call. */
export default function McpList() {
  const servers = useMcpServers();
  const [isAdding, setAdding] = useState(false);
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
      Add a server
    </Button>
  );
  return (
    <ToolsFrame actions={add}>
      {servers.error ? (
        <Failure error={servers.error} retry={() => void servers.refetch()} />
      ) : !servers.data ? (
        <Loading rows={3} height={56} />
      ) : servers.data.length === 0 ? (
        <EmptyState
          icon={IconPlugConnected}
          title="No MCP servers yet"
          text="A server that speaks the Model Context Protocol brings its own tools. The server needs the extra for it:"
          command="pip install 'parola[mcp]'"
          action={add}
        />
      ) : (
        <Paper className={rows.frame}>
          <Table className={rows.table} horizontalSpacing="md" aria-label="MCP servers">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Transport</Table.Th>
                <Table.Th>Who has to agree</Table.Th>
                <Table.Th>Used by</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {servers.data.map(({ id, config, dependent_agents }) => (
                <Table.Tr key={id} className={rows.row}>
                  <Table.Td className={rows.name}>
                    <Link to={`/tools/mcp/${id}`} className={rows.link}>
                      {config.name}
                    </Link>
                    <Text size="xs" c="dimmed" ff="monospace" style={{ overflowWrap: "anywhere" }}>
                      {typeof config.url === "string" ? config.url : "an address that stands elsewhere"}
                    </Text>
                  </Table.Td>
                  <Table.Td data-label="Transport">{transportLabel(config.transport)}</Table.Td>
                  <Table.Td data-label="Who has to agree">{policyLabel(config.approval_policy)}</Table.Td>
                  <Table.Td data-label="Used by">
                    {dependent_agents.map(({ name }) => name).join(", ") || "No agent"}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Paper>
      )}
      {isAdding && <AddServer close={() => setAdding(false)} />}
    </ToolsFrame>
  );
}

function AddServer({ close }: { close: () => void }) {
  const { addServer } = useToolActions();
  const navigate = useNavigate();
  const [config, setConfig] = useState<JsonObject>({
    name: "",
    url: "",
    transport: "STREAMABLE_HTTP",
    approval_policy: "require_approval_all",
  });
  const set = (key: string, value: Json) => setConfig({ ...config, [key]: value });
  const [name, url] = [String(config.name).trim(), String(config.url).trim()];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    addServer.mutate({ ...config, name, url }, { onSuccess: ({ id }) => void navigate(`/tools/mcp/${id}`) });
  };
  return (
    <Modal opened onClose={close} title="Add an MCP server">
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label="Name"
            placeholder="Library"
            value={String(config.name)}
            onChange={(event) => set("name", event.currentTarget.value)}
            data-autofocus
            required
          />
          <TextInput
            label="URL"
            placeholder="http://localhost:9100/mcp"
            value={String(config.url)}
            onChange={(event) => set("url", event.currentTarget.value)}
            required
          />
          <Select
            label="Transport"
            data={TRANSPORTS}
            value={String(config.transport)}
            onChange={(value) => value && set("transport", value)}
            allowDeselect={false}
          />
          <Select
            label="Who has to agree to a call"
            description="In the app, while the call runs; in a live call an operator may, too."
            data={POLICIES}
            value={String(config.approval_policy)}
            onChange={(value) => value && set("approval_policy", value)}
            allowDeselect={false}
          />
          <McpFields config={config} set={set} />
          {addServer.error && <Failure error={addServer.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={addServer.isPending} disabled={!name || !url}>
              Add
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
