import {
  ActionIcon,
  Anchor,
  Badge,
  Button,
  Group,
  Menu,
  Paper,
  Select,
  Table,
  Text,
  TextInput,
  VisuallyHidden,
} from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import {
  IconChevronDown,
  IconDeviceLaptop,
  IconPlus,
  IconSearch,
  IconTool,
  IconTrash,
  IconWorld,
} from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "react-router";

import { type Tool, useToolActions, useTools } from "@/api/tools";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";
import { LoadMore } from "@/parts/LoadMore";
import rows from "@/parts/Rows.module.css";

import { isObject } from "../../agents/editor/document";
import { eraseTool } from "../eraseTool";
import { ToolsFrame } from "../ToolsFrame";

const COLOURS: Record<string, string> = { webhook: "ink", client: "teal", system: "gray", mcp: "grape" };

/** `/tools`: the tools that agents share. */
export function ToolList() {
  const [search, setSearch] = useState("");
  const [type, setType] = useState<string | null>(null);
  const [looked] = useDebouncedValue(search.trim(), 200);
  const list = useTools(looked, type);
  return (
    <ToolsFrame actions={<NewToolMenu />}>
      <Group gap="sm" role="search">
        <TextInput
          aria-label="Search by name"
          placeholder="Search by name"
          leftSection={<IconSearch size={16} />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          flex="1 1 220px"
          maw={360}
        />
        <Select
          aria-label="Type"
          placeholder="Every type"
          data={[
            { value: "webhook", label: "Webhook" },
            { value: "client", label: "Client" },
          ]}
          value={type}
          onChange={setType}
          clearable
          clearButtonProps={{ "aria-label": "Every type" }}
          w={160}
        />
      </Group>
      {list.error ? (
        <Failure error={list.error} retry={list.refetch} />
      ) : list.isPending ? (
        <Loading rows={5} height={56} />
      ) : list.items.length === 0 ? (
        looked || type ? (
          <EmptyState
            icon={IconSearch}
            title="No tool is like that"
            text="Search for another part of its name."
          />
        ) : (
          <EmptyState
            icon={IconTool}
            title="No tools yet"
            text="A webhook tool is one HTTP request that this server makes for the agent; a client tool is run by your app in the call."
            action={<NewToolMenu />}
          />
        )
      ) : (
        <Paper className={rows.frame}>
          <Table className={rows.table} horizontalSpacing="md" aria-label="Tools">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Type</Table.Th>
                <Table.Th>What it asks</Table.Th>
                <Table.Th>Used by</Table.Th>
                <Table.Th>
                  <VisuallyHidden>Actions</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {list.items.map((tool) => (
                <Row key={tool.id} tool={tool} />
              ))}
            </Table.Tbody>
          </Table>
        </Paper>
      )}
      <LoadMore list={list} />
    </ToolsFrame>
  );
}

function NewToolMenu() {
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button leftSection={<IconPlus size={16} />} rightSection={<IconChevronDown size={14} />}>
          New tool
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconWorld size={16} />} component={Link} to="/tools/new/webhook">
          Webhook: this server makes a request
        </Menu.Item>
        <Menu.Item leftSection={<IconDeviceLaptop size={16} />} component={Link} to="/tools/new/client">
          Client: your app does it
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Row({ tool }: { tool: Tool }) {
  const { remove } = useToolActions();
  const { tool_config: config, x_dependent_agents: agents = [] } = tool;
  const request = isObject(config.api_schema) ? config.api_schema : null;
  return (
    <Table.Tr className={rows.row}>
      <Table.Td className={rows.name}>
        <Link to={`/tools/${tool.id}`} className={rows.link}>
          {config.name}
        </Link>
        <Text size="sm" c="dimmed" lineClamp={1}>
          {typeof config.description === "string" ? config.description : ""}
        </Text>
      </Table.Td>
      <Table.Td>
        <Badge variant="light" color={COLOURS[config.type] ?? "gray"}>
          {config.type}
        </Badge>
      </Table.Td>
      <Table.Td data-label="What it asks" style={{ maxWidth: 360, overflowWrap: "anywhere" }}>
        {request ? (
          <Text size="xs" ff="monospace" span>
            {String(request.method ?? "GET")} {String(request.url ?? "")}
          </Text>
        ) : (
          <Text size="sm" c="dimmed" span>
            {config.type === "client" ? "The app in the call" : "–"}
          </Text>
        )}
      </Table.Td>
      <Table.Td data-label="Used by">
        {agents.length
          ? agents.map((agent, index) => (
              <span key={agent.id}>
                {index > 0 && ", "}
                <Anchor
                  component={Link}
                  underline="always"
                  to={`/agents/${agent.id}`}
                  size="sm"
                  className={rows.above}
                >
                  {agent.name}
                </Anchor>
              </span>
            ))
          : "No agent"}
      </Table.Td>
      <Table.Td className={rows.actions}>
        <ActionIcon
          variant="subtle"
          color="gray"
          className={rows.above}
          aria-label={`Delete ${config.name}`}
          onClick={() => eraseTool(config.name, agents, () => remove.mutateAsync(tool.id))}
        >
          <IconTrash size={16} />
        </ActionIcon>
      </Table.Td>
    </Table.Tr>
  );
}
