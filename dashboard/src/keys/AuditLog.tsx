import {
  Badge,
  Collapse,
  Group,
  Paper,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  UnstyledButton,
} from "@mantine/core";
import { useDebouncedValue, useDisclosure } from "@mantine/hooks";
import { IconChevronDown, IconChevronRight, IconListCheck, IconSearch } from "@tabler/icons-react";
import { useId, useState } from "react";

import { type AuditEntry, type AuditResult, useAuditLog, useKeys, useMembers } from "@/api/keys";
import { DateRange } from "@/parts/DateRange";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { choicesOf, FilterSelect } from "@/parts/FilterSelect";
import { moment } from "@/parts/format";
import { Loading } from "@/parts/Loading";
import { LoadMore } from "@/parts/LoadMore";
import { When } from "@/parts/When";

import { COMMON, endOfDay, inWords, startOfDay } from "./auditWords";
import classes from "./Keys.module.css";

const RESULTS: Record<AuditResult, { label: string; colour: string }> = {
  done: { label: "Done", colour: "teal" },
  refused: { label: "Refused", colour: "orange" },
  failed: { label: "Failed", colour: "red" },
};

const NOTHING = { action: "", resource: "", key_id: "", result: "", from: "", to: "" };

/** Who did what and when; each entry unfolds to all that is known of it. */
export function AuditLog() {
  const [asked, setAsked] = useState(NOTHING);
  const [resource] = useDebouncedValue(asked.resource.trim(), 300);
  const list = useAuditLog({
    action: asked.action,
    resource,
    key_id: asked.key_id,
    result: asked.result,
    after_unix: startOfDay(asked.from),
    before_unix: endOfDay(asked.to),
  });
  const keys = useKeys().data ?? [];
  const members = useMembers().items;
  const actions = [...new Set([...COMMON, ...list.items.map((entry) => entry.action)])];
  const change = (some: Partial<typeof NOTHING>) => setAsked((before) => ({ ...before, ...some }));
  const isFiltered = Object.values(asked).some(Boolean);
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }} spacing="sm" role="search" aria-label="Filter the log">
        <FilterSelect
          label="What"
          any="Anything"
          data={actions
            .map((value) => ({ value, label: inWords(value) }))
            .sort((a, b) => a.label.localeCompare(b.label))}
          value={asked.action}
          change={(value) => change({ action: value })}
          searchable
        />
        <FilterSelect
          label="Which key"
          any="Any"
          data={keys.map((key) => ({ value: key.key_id, label: `${key.name} (${key.prefix}…)` }))}
          value={asked.key_id}
          change={(value) => change({ key_id: value })}
          nothingFoundMessage="There is no key"
        />
        <FilterSelect
          label="Result"
          any="Any"
          data={choicesOf(RESULTS)}
          value={asked.result}
          change={(value) => change({ result: value })}
        />
        <TextInput
          label="On what"
          placeholder="agent_…"
          leftSection={<IconSearch size={16} />}
          value={asked.resource}
          onChange={(event) => change({ resource: event.currentTarget.value })}
        />
        <DateRange from={asked.from} to={asked.to} change={change} />
      </SimpleGrid>
      {list.error ? (
        <Failure error={list.error} retry={list.refetch} />
      ) : list.isPending ? (
        <Loading rows={8} />
      ) : list.items.length === 0 ? (
        <EmptyState
          icon={IconListCheck}
          title={isFiltered ? "Nothing like that was done" : "Nothing was done yet"}
          text={
            isFiltered
              ? "Take a filter away, or look at more days."
              : "Whatever changes something on this server is written down here: which key, from where, what, and how it ended."
          }
        />
      ) : (
        <Paper
          component="ul"
          aria-label="Entries"
          p={0}
          m={0}
          style={{ listStyle: "none", overflow: "hidden" }}
        >
          {list.items.map((entry) => (
            <Entry
              key={entry.entry_id}
              entry={entry}
              member={members.find((one) => one.member_id === entry.member_id)?.name}
            />
          ))}
        </Paper>
      )}
      <LoadMore list={list} />
    </Stack>
  );
}

function Entry({ entry, member }: { entry: AuditEntry; member: string | undefined }) {
  const [isOpen, { toggle }] = useDisclosure();
  const details = useId();
  const result = RESULTS[entry.result];
  const Fold = isOpen ? IconChevronDown : IconChevronRight;
  const who =
    entry.key_name ??
    (typeof entry.details.user === "string" ? `${entry.details.user}, on the server` : "Without a key");
  return (
    <li className={classes.line}>
      <UnstyledButton
        className={classes.entry}
        onClick={toggle}
        aria-expanded={isOpen}
        aria-controls={details}
      >
        <Fold size={16} aria-hidden />
        <Text inherit c="dimmed" className={classes.at}>
          <When at={entry.at_unix_secs} />
        </Text>
        <Text inherit fw={500} className={classes.what}>
          {inWords(entry.action)}
        </Text>
        <Text inherit truncate className={classes.who}>
          {member ? `${member}, ${who}` : who}
          {entry.address && (
            <Text span inherit c="dimmed">
              {` from ${entry.address}`}
            </Text>
          )}
        </Text>
        <Group justify="flex-end" className={classes.result}>
          <Badge variant="light" color={result.colour} size="sm">
            {result.label}
          </Badge>
        </Group>
      </UnstyledButton>
      <Collapse expanded={isOpen} id={details}>
        <dl className={classes.details}>
          {facts(entry).map(([name, value]) => (
            <Fact key={name} name={name} value={value} />
          ))}
        </dl>
      </Collapse>
    </li>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}

/** All that is known of an entry, by the names of the log. */
function facts(entry: AuditEntry): [string, string][] {
  const { details, at_unix_secs: at, entry_id, action, resource, key_id, member_id } = entry;
  const known: [string, string | null][] = [
    ["When", moment(at)],
    ["Action", action],
    ["On what", resource],
    ["Key", key_id],
    ["Member", member_id],
    ...Object.entries(details).map(([name, value]): [string, string | null] => [
      name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " "),
      value === null || value === ""
        ? null
        : typeof value === "object"
          ? JSON.stringify(value)
          : String(value),
    ]),
    ["Entry", entry_id],
  ];
  return known.filter((one): one is [string, string] => Boolean(one[1]));
}
