import { Alert, Anchor, Badge, Button, Group, Table, Text, TextInput } from "@mantine/core";
import { IconInfoCircle, IconMailOff, IconSearch } from "@tabler/icons-react";
import { Link, useSearchParams } from "react-router";

import { type Delivery, type DeliveryFilters, useDeliveries, useEndpoints } from "@/api/webhooks";
import { EmptyState } from "@/parts/EmptyState";
import { choicesOf, FilterSelect } from "@/parts/FilterSelect";
import { ListTable } from "@/parts/ListTable";
import rows from "@/parts/Rows.module.css";
import { When } from "@/parts/When";
import { forThisServer } from "@/parts/here";

import { WebhooksFrame } from "../WebhooksFrame";
import { soon } from "./soon";
import { deliveryWords } from "./reasons";
import { STATES, TYPES } from "./types";

const NAMES = ["webhook_id", "conversation_id", "status", "type"] as const;

/** They share a line with the search. */
const BESIDE = { flex: "1 1 150px", maw: 360 };

/** `/webhooks/deliveries`: every message, what became of it; of one conversation also what was not sent and why. */
export default function DeliveriesPage() {
  const [query, setQuery] = useSearchParams();
  const filters = Object.fromEntries(
    NAMES.map((name) => [name, query.get(name) ?? ""]),
  ) as unknown as DeliveryFilters;
  const list = useDeliveries(filters);
  const endpoints = useEndpoints();
  const whomTo = ({ webhook_id: id, status }: Delivery) => {
    if (id === null) return status === "skipped" ? "to nobody" : "to the address that the client brought";
    return `to ${endpoints.data?.find((one) => one.webhook_id === id)?.name ?? id}`;
  };
  const change = (name: (typeof NAMES)[number]) => (value: string) =>
    setQuery(
      (before) => {
        const next = new URLSearchParams(before);
        if (value) next.set(name, value);
        else next.delete(name);
        return next;
      },
      { replace: true },
    );
  const isFiltered = NAMES.some((name) => filters[name]);
  return (
    <WebhooksFrame>
      <Group gap="sm" role="search">
        <TextInput
          aria-label="Conversation"
          placeholder="Conversation, conv_…"
          leftSection={<IconSearch size={16} />}
          value={filters.conversation_id}
          onChange={(event) => change("conversation_id")(event.currentTarget.value.trim())}
          flex="1 1 240px"
          maw={360}
        />
        <FilterSelect
          label="Endpoint"
          any="Every endpoint"
          data={(endpoints.data ?? []).map((one) => ({ value: one.webhook_id, label: one.name }))}
          value={filters.webhook_id}
          change={change("webhook_id")}
          isBare
          {...BESIDE}
        />
        <FilterSelect
          label="State"
          any="Every state"
          data={choicesOf(STATES)}
          value={filters.status}
          change={change("status")}
          isBare
          {...BESIDE}
        />
        <FilterSelect
          label="Event"
          any="Every event"
          data={Object.entries(TYPES).map(([value, label]) => ({ value, label }))}
          value={filters.type}
          change={change("type")}
          isBare
          {...BESIDE}
        />
      </Group>
      {!filters.conversation_id && !filters.status && (
        <Text size="sm" c="dimmed">
          Missing one? Enter its conversation, or choose the state “Not sent”: what was not sent is shown with
          the reason.
        </Text>
      )}
      <ListTable
        list={list}
        label="Deliveries"
        columns={["Event", "State", "What happened", "Attempts#", "When"]}
        empty={
          <Nothing
            isFiltered={isFiltered}
            conversationId={filters.conversation_id}
            clear={() => setQuery({})}
          />
        }
        row={(one) => <Row key={one.delivery_id} one={one} whomTo={whomTo(one)} />}
      />
    </WebhooksFrame>
  );
}

function Row({ one, whomTo }: { one: Delivery; whomTo: string }) {
  const { label, colour } = STATES[one.status];
  return (
    <Table.Tr className={rows.row}>
      <Table.Td className={rows.name}>
        <Link to={`/webhooks/deliveries/${one.delivery_id}`} className={rows.link}>
          {TYPES[one.type] ?? one.type}
        </Link>
        <Text size="sm" c="dimmed" truncate>
          {whomTo}
        </Text>
        {one.conversation_id && (
          <Anchor
            component={Link}
            underline="always"
            to={`/conversations/${one.conversation_id}`}
            size="xs"
            ff="monospace"
            className={rows.above}
          >
            {one.conversation_id}
          </Anchor>
        )}
      </Table.Td>
      <Table.Td>
        <Badge variant="light" color={colour}>
          {label}
        </Badge>
      </Table.Td>
      <Table.Td data-label="What happened" style={{ maxWidth: 420 }}>
        {deliveryWords(one).text}
        {one.next_attempt_at_unix_secs !== null && one.attempt_count > 0 && (
          <Text span inherit c="dimmed">
            {" "}
            Next {soon(one.next_attempt_at_unix_secs)}.
          </Text>
        )}
      </Table.Td>
      <Table.Td className={`numbers ${rows.number}`} data-label="Attempts">
        {one.attempt_count}
      </Table.Td>
      <Table.Td className={rows.plain} data-label="When">
        <When at={one.created_at_unix_secs} />
      </Table.Td>
    </Table.Tr>
  );
}

interface NothingProps {
  isFiltered: boolean;
  conversationId: string;
  clear: () => void;
}

function Nothing({ isFiltered, conversationId, clear }: NothingProps) {
  if (conversationId) {
    return (
      <Alert icon={<IconInfoCircle />} title="Nothing is kept for this conversation">
        Deliveries are written down when a conversation ends. It may still run, its id may be mistyped, or it
        was deleted: then its deliveries went with it.{" "}
        <Anchor
          component={Link}
          underline="always"
          to={`/conversations/${encodeURIComponent(conversationId)}`}
          inherit
        >
          Open the conversation
        </Anchor>
      </Alert>
    );
  }
  return isFiltered ? (
    <EmptyState
      icon={IconSearch}
      title="No delivery is like that"
      text="Take something out of the filter."
      action={
        <Button variant="default" onClick={clear}>
          Show all
        </Button>
      }
    />
  ) : (
    <EmptyState
      icon={IconMailOff}
      title="Nothing was sent yet"
      text="When an endpoint is there and a conversation has ended, its message appears here with every attempt. Try it:"
      command={forThisServer('parola chat --message "Hello"')}
    />
  );
}
