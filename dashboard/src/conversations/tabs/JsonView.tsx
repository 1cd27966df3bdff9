import { ActionIcon, Box, Group, Paper, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconChevronDown, IconChevronRight, IconChevronUp, IconCopy, IconSearch } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";

import { readable } from "@/parts/colours";
import { done, failed } from "@/parts/notices";

import { above, found, type JsonLine, jsonLines, type JsonValue, valueAt } from "./json";
import classes from "./tabs.module.css";

const LINE = 22;

/** Longer lists are folded until somebody opens them. */
const OPEN_ENTRIES = 40;

const COLOURS: Partial<Record<JsonLine["kind"], string>> = {
  string: readable("teal"),
  number: readable("blue"),
  boolean: readable("grape"),
  null: "var(--mantine-color-dimmed)",
  closed: "var(--mantine-color-dimmed)",
};

const copy = (value: JsonValue | undefined) =>
  void navigator.clipboard.writeText(typeof value === "string" ? value : JSON.stringify(value, null, 2)).then(
    () => done("The value is on the clipboard."),
    (error: unknown) => failed(error, "Nothing was copied"),
  );

/** A JSON value to read: folded, searched, copied piece by piece; as long as it may be. */
export function JsonView({ value }: { value: JsonValue }) {
  const [toggled, setToggled] = useState<ReadonlyMap<string, boolean>>(new Map());
  const [words, setWords] = useState("");
  const [place, setPlace] = useState(0);
  const [wanted] = useDebouncedValue(words, 150);
  const box = useRef<HTMLDivElement>(null);
  const lines = useMemo(
    () =>
      jsonLines(
        value,
        (path, depth, count) => toggled.get(path) ?? (depth > 1 || (depth === 1 && count > OPEN_ENTRIES)),
      ),
    [value, toggled],
  );
  const hits = useMemo(() => found(value, wanted), [value, wanted]);
  const hitSet = useMemo(() => new Set(hits), [hits]);
  const here = hits[Math.min(place, hits.length - 1)];
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE,
    overscan: 12,
    useFlushSync: false,
  });

  const show = (next: number) => {
    const index = (next + hits.length) % hits.length;
    const path = hits[index];
    if (path === undefined) return;
    setPlace(index);
    const opened = new Map(toggled);
    for (const parent of above(path).slice(0, -1)) opened.set(parent, false);
    setToggled(opened);
    // The lines that this opens are there with the next frame.
    requestAnimationFrame(() => {
      const folded = (at: string, depth: number, count: number) =>
        opened.get(at) ?? (depth > 1 || (depth === 1 && count > OPEN_ENTRIES));
      rows.scrollToIndex(
        jsonLines(value, folded).findIndex((line) => line.path === path),
        { align: "center" },
      );
    });
  };

  return (
    <Paper>
      <Group p="sm" gap="xs">
        <TextInput
          leftSection={<IconSearch size={16} />}
          placeholder="Search keys and values"
          aria-label="Search keys and values"
          value={words}
          onChange={(event) => {
            setWords(event.currentTarget.value);
            setPlace(0);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && hits.length) show(place + (event.shiftKey ? -1 : 1));
          }}
          w={{ base: "100%", xs: 280 }}
        />
        <Text size="sm" c="dimmed" className="numbers" role="status">
          {wanted &&
            (hits.length ? `${Math.min(place + 1, hits.length)} of ${hits.length}` : "Nothing found")}
        </Text>
        {hits.length > 0 && (
          <>
            <ActionIcon variant="default" onClick={() => show(place - 1)} aria-label="Previous place">
              <IconChevronUp size={16} />
            </ActionIcon>
            <ActionIcon variant="default" onClick={() => show(place + 1)} aria-label="Next place">
              <IconChevronDown size={16} />
            </ActionIcon>
          </>
        )}
        <ActionIcon ml="auto" variant="default" onClick={() => copy(value)} aria-label="Copy all of it">
          <IconCopy size={16} />
        </ActionIcon>
      </Group>
      <div ref={box} className={classes["scroll"]} tabIndex={0} role="region" aria-label="The record as JSON">
        <Box style={{ height: rows.getTotalSize(), position: "relative" }}>
          {rows.getVirtualItems().map((row) => {
            const line = lines[row.index];
            if (!line) return null;
            return (
              <Line
                key={row.key}
                line={line}
                top={row.start}
                isHit={line.kind !== "end" && hitSet.has(line.path)}
                isHere={line.kind !== "end" && line.path === here}
                toggle={() => setToggled(new Map(toggled).set(line.path, line.kind === "open"))}
                copy={() => copy(valueAt(value, line.path))}
              />
            );
          })}
        </Box>
      </div>
    </Paper>
  );
}

interface LineProps {
  line: JsonLine;
  top: number;
  isHit: boolean;
  isHere: boolean;
  toggle: () => void;
  copy: () => void;
}

function Line({ line, top, isHit, isHere, toggle, copy: copyIt }: LineProps) {
  const isFoldable = line.kind === "open" || line.kind === "closed";
  const name = line.key ?? (line.path || "the record");
  return (
    <div
      className={classes["line"]}
      data-hit={isHit}
      data-here={isHere}
      style={{ transform: `translateY(${top}px)`, paddingLeft: 8 + line.depth * 16 }}
    >
      {isFoldable ? (
        <button
          type="button"
          className={`${classes["arrow"]} ${classes["plain"]}`}
          onClick={toggle}
          aria-expanded={line.kind === "open"}
          aria-label={`${line.kind === "open" ? "Fold" : "Open"} ${name}`}
        >
          {line.kind === "open" ? <IconChevronDown size={13} /> : <IconChevronRight size={13} />}
        </button>
      ) : (
        <span className={classes["arrow"]} />
      )}
      {line.key !== null && <span>{line.key}:</span>}
      <span style={{ color: COLOURS[line.kind] }}>
        {line.text.length > 2000 ? `${line.text.slice(0, 2000)}…` : line.text}
      </span>
      {line.kind === "closed" && <span style={{ color: COLOURS.closed }}>{line.count}</span>}
      {line.kind !== "end" && (
        <button
          type="button"
          className={`${classes["copy"]} ${classes["plain"]}`}
          onClick={copyIt}
          aria-label={`Copy ${name}`}
        >
          <IconCopy size={13} />
        </button>
      )}
    </div>
  );
}
