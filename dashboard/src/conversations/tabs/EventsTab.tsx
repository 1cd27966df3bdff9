import { Alert, Code, Group, MultiSelect, Paper, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconChevronRight, IconListDetails, IconSearch } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useCallback, useEffect, useMemo, useRef, useState } from "react";

import { ApiError } from "@/api/client";
import { type CallEvent, type ConversationRecord, isRunning, useCallEvents } from "@/api/conversations";
import { filled } from "@/parts/colours";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { counted } from "@/parts/format";
import { Loading } from "@/parts/Loading";

import { momentText } from "../timeline/view";
import { DIRECTIONS, gist, matching, typesOf } from "./events";
import classes from "./tabs.module.css";

/** How high a closed event is, with its border. */
const HEAD = 35;

/** Everything that came and went on the wire, in order. */
export default function EventsTab({ record }: { record: ConversationRecord }) {
  const isLive = isRunning(record.status);
  const log = useCallEvents(record.conversation_id, isLive);
  if (log.error && !log.data)
    return log.error instanceof ApiError && log.error.status === 404 ? (
      <EmptyState
        icon={IconListDetails}
        title="No events are kept of this conversation"
        text="They are not kept where its agent keeps nothing or redacts, and they go with the conversation’s recording."
      />
    ) : (
      <Failure error={log.error} retry={() => void log.refetch()} />
    );
  if (!log.data) return <Loading rows={12} height={30} />;
  return <Events events={log.data.events} dropped={log.data.dropped?.count ?? 0} />;
}

/** Events to look through, newest last. */
export function Events({ events, dropped }: { events: readonly CallEvent[]; dropped: number }) {
  const [words, setWords] = useState("");
  const [types, setTypes] = useState<string[]>([]);
  const [directions, setDirections] = useState<string[]>([]);
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const [wanted] = useDebouncedValue(words, 150);
  const kinds = useMemo(() => typesOf(events), [events]);
  const shown = useMemo(
    () => matching(events, { words: wanted, types, directions }),
    [events, wanted, types, directions],
  );
  const began = events[0]?.at ?? 0;
  const box = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => box.current,
    estimateSize: () => HEAD,
    getItemKey: (index) => shown[index]?.seq ?? index,
    overscan: 6,
    useFlushSync: false,
  });
  const close = useRef<(index: number) => void>(() => undefined);
  useEffect(() => {
    close.current = (index) => rows.resizeItem(index, HEAD);
  });
  const toggle = useCallback((seq: number, index: number) => {
    setOpened((before) => {
      const after = new Set(before);
      if (!after.delete(seq)) after.add(seq);
      return after;
    });
    close.current(index);
  }, []);
  return (
    <Paper>
      <Group p="sm" gap="xs" align="flex-start">
        <TextInput
          leftSection={<IconSearch size={16} />}
          placeholder="Words of an event"
          aria-label="Words of an event"
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
          w={{ base: "100%", xs: 220 }}
        />
        <MultiSelect
          placeholder={types.length ? "" : "All types"}
          aria-label="Types of events"
          data={kinds.map(({ type, count }) => ({ value: type, label: `${type} (${count})` }))}
          value={types}
          onChange={setTypes}
          searchable
          clearable
          w={{ base: "100%", xs: 300 }}
        />
        <MultiSelect
          placeholder={directions.length ? "" : "All directions"}
          aria-label="Directions of events"
          data={Object.entries(DIRECTIONS).map(([value, { label }]) => ({ value, label }))}
          value={directions}
          onChange={setDirections}
          clearable
          w={{ base: "100%", xs: 240 }}
        />
        <Text size="sm" c="dimmed" className="numbers" role="status" lh="36px" ml="auto">
          {shown.length === events.length
            ? counted(events.length, "event")
            : `${shown.length.toLocaleString("en")} of ${counted(events.length, "event")}`}
        </Text>
      </Group>
      {dropped > 0 && (
        <Alert color="yellow" mx="sm" mb="sm">
          {counted(dropped, "older event")} are not kept: a conversation keeps its newest 5,000.
        </Alert>
      )}
      <div ref={box} className={classes["scroll"]} tabIndex={0} role="region" aria-label="Events">
        <div style={{ height: rows.getTotalSize(), position: "relative" }}>
          {rows.getVirtualItems().map((row) => {
            const one = shown[row.index];
            if (!one) return null;
            return (
              <div
                key={row.key}
                // Only what is open may have any height.
                ref={opened.has(one.seq) ? rows.measureElement : undefined}
                data-index={row.index}
                className={classes["event"]}
                style={{ transform: `translateY(${row.start}px)` }}
              >
                <EventRow
                  one={one}
                  at={one.at - began}
                  isOpen={opened.has(one.seq)}
                  index={row.index}
                  toggle={toggle}
                />
              </div>
            );
          })}
        </div>
        {!shown.length && (
          <Text p="md" c="dimmed">
            No event fits. Take a filter away.
          </Text>
        )}
      </div>
    </Paper>
  );
}

interface RowProps {
  one: CallEvent;
  at: number;
  index: number;
  isOpen: boolean;
  toggle: (seq: number, index: number) => void;
}

const EventRow = memo(function EventRow({ one, at, index, isOpen, toggle }: RowProps) {
  const { label, colour } = DIRECTIONS[one.direction];
  return (
    <>
      <button
        type="button"
        className={classes["eventHead"]}
        onClick={() => toggle(one.seq, index)}
        aria-expanded={isOpen}
      >
        <IconChevronRight size={14} className={classes["chevron"]} data-open={isOpen} />
        <span className={`numbers ${classes["wide"]} ${classes["faint"]}`}>{one.seq}</span>
        <span className="numbers">{momentText(Math.max(0, at), 3)}</span>
        <span className={`${classes["wide"]} ${classes["way"]}`}>
          <i style={{ background: filled(colour) }} />
          {label}
        </span>
        <span className={classes["type"]}>{one.event.type}</span>
        <span className={`${classes["wide"]} ${classes["faint"]}`}>{gist(one.event)}</span>
      </button>
      {isOpen && (
        <Code block mx="sm" mb="sm" mah={420} style={{ overflow: "auto" }} tabIndex={0}>
          {`// by ${one.by}\n${JSON.stringify(one.event, null, 2)}`}
        </Code>
      )}
    </>
  );
});
