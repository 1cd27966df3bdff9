import {
  ActionIcon,
  Box,
  Checkbox,
  Group,
  MultiSelect,
  SegmentedControl,
  Text,
  TextInput,
  Tooltip,
} from "@mantine/core";
import { IconDownload, IconEraser, IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";

import { bytes, counted } from "@/parts/format";
import { saveAs } from "@/parts/save";

import { FrameRow } from "./FrameRow";
import type { FrameLog } from "./FrameLog";
import { type Frame, type FrameFilter, isWanted, toNdjson } from "./frames";
import classes from "./Talk.module.css";

const ROW_HEIGHT = 29;

const EVERYTHING: FrameFilter = { direction: "all", noise: false, types: [], text: "" };

/** Every message of the socket, in both directions, as it comes. */
export function Frames({ log, name }: { log: FrameLog; name: string }) {
  const live = useSyncExternalStore(log.subscribe, log.snapshot);
  const [paused, setPaused] = useState<readonly Frame[] | null>(null);
  const [filter, setFilter] = useState<FrameFilter>(EVERYTHING);
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const frames = paused ?? live;
  const types = useMemo(() => [...new Set(frames.map((frame) => frame.type))].sort(), [frames]);
  const shown = useMemo(() => frames.filter((frame) => isWanted(frame, filter)), [frames, filter]);
  const audio = useMemo(() => summed(frames), [frames]);
  const change = (part: Partial<FrameFilter>) => setFilter((now) => ({ ...now, ...part }));
  const clear = () => {
    setPaused(null);
    setOpen(new Set());
    log.clear();
  };
  return (
    <>
      <Group gap="xs" p="sm">
        <SegmentedControl
          size="xs"
          aria-label="Direction"
          value={filter.direction}
          onChange={(value) => change({ direction: value as FrameFilter["direction"] })}
          data={[
            { value: "all", label: "Both ways" },
            { value: "in", label: "Received" },
            { value: "out", label: "Sent" },
          ]}
        />
        <Checkbox
          size="xs"
          label="Audio and pings"
          checked={filter.noise}
          onChange={(event) => change({ noise: event.currentTarget.checked })}
        />
        <Group gap={4} ml="auto">
          <Tool
            label={paused ? "Go on" : "Pause the list"}
            onClick={() => setPaused(paused ? null : live)}
            icon={paused ? <IconPlayerPlay size={16} /> : <IconPlayerPause size={16} />}
          />
          <Tool
            label="Export as NDJSON"
            onClick={() =>
              saveAs(new Blob([toNdjson(frames)], { type: "application/x-ndjson" }), `${name}.ndjson`)
            }
            icon={<IconDownload size={16} />}
          />
          <Tool label="Clear the list" onClick={clear} icon={<IconEraser size={16} />} />
        </Group>
        <MultiSelect
          size="xs"
          flex="1 1 180px"
          aria-label="Types to show"
          placeholder={filter.types.length ? "" : "All types"}
          data={types}
          value={filter.types}
          onChange={(chosen) => change({ types: chosen })}
          clearable
          searchable
        />
        <TextInput
          size="xs"
          flex="1 1 120px"
          aria-label="Look for words in messages"
          placeholder="Words in them"
          value={filter.text}
          onChange={(event) => change({ text: event.currentTarget.value })}
        />
      </Group>
      <List frames={shown} follows={!paused} open={open} setOpen={setOpen} />
      <Text size="xs" c="dimmed" px="sm" py={6} className="numbers">
        {counted(frames.length, "frame")}
        {shown.length !== frames.length && `, ${shown.length.toLocaleString("en")} shown`}
        {audio.out > 0 && ` · ${bytes(audio.out)} of audio sent`}
        {audio.in > 0 && ` · ${bytes(audio.in)} received`}
        {paused && " · paused"}
      </Text>
    </>
  );
}

function summed(frames: readonly Frame[]) {
  const audio = { in: 0, out: 0, socket: 0 };
  for (const frame of frames) audio[frame.direction] += frame.audio?.bytes ?? 0;
  return audio;
}

interface ListProps {
  frames: readonly Frame[];
  /** Whether the newest is kept in sight. */
  follows: boolean;
  open: ReadonlySet<number>;
  setOpen: (open: ReadonlySet<number>) => void;
}

function List({ frames, follows, open, setOpen }: ListProps) {
  "use no memo";
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const rows = useVirtualizer({
    count: frames.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => frames[index]?.id ?? index,
    overscan: 12,
  });
  useEffect(() => {
    if (follows && isAtEnd.current && frames.length) rows.scrollToIndex(frames.length - 1, { align: "end" });
  }, [frames, follows, rows]);
  const toggle = (id: number) => {
    const next = new Set(open);
    if (!next.delete(id)) next.add(id);
    setOpen(next);
  };
  return (
    <div
      ref={box}
      className={classes.frames}
      tabIndex={0}
      role="group"
      aria-label="Frames"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < 2 * ROW_HEIGHT;
      }}
    >
      {!frames.length && (
        <Text c="dimmed" size="sm" ta="center" p="xl" ff="text">
          Every message between this page and the server appears here when a call begins.
        </Text>
      )}
      <Box pos="relative" h={rows.getTotalSize()}>
        {rows.getVirtualItems().map(({ index, key, start }) => {
          const frame = frames[index];
          if (!frame) return null;
          return (
            <div
              key={key}
              data-index={index}
              ref={rows.measureElement}
              style={{ position: "absolute", insetInline: 0, top: 0, transform: `translateY(${start}px)` }}
            >
              <FrameRow frame={frame} isOpen={open.has(frame.id)} onToggle={toggle} />
            </div>
          );
        })}
      </Box>
    </div>
  );
}

function Tool({ label, icon, onClick }: { label: string; icon: React.ReactNode; onClick: () => void }) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={onClick}>
        {icon}
      </ActionIcon>
    </Tooltip>
  );
}
