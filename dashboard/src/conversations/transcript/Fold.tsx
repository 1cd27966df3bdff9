import { Box, Code, Loader, Text } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import type { ReactNode } from "react";

import { useChunk, type Retrieval, type ToolCall, type ToolResult } from "@/api/conversations";
import { filled, readable, SPEAKERS } from "@/parts/colours";
import { counted, span } from "@/parts/format";

import { pretty } from "./cut";
import classes from "./Transcript.module.css";

interface Opening {
  isOpen: boolean;
  toggle: () => void;
}

/** A line that opens: what lies behind it is only made then. */
function Fold({ head, isOpen, toggle, children }: Opening & { head: ReactNode; children: ReactNode }) {
  return (
    <Box>
      <button type="button" className={classes["fold"]} onClick={toggle} aria-expanded={isOpen}>
        {isOpen ? <IconChevronDown size={15} /> : <IconChevronRight size={15} />}
        {head}
      </button>
      {isOpen && (
        <Box pl="lg" pt={6}>
          {children}
        </Box>
      )}
    </Box>
  );
}

/** A tool call with what it was given and what came of it. */
export function ToolFold({
  call,
  result,
  ...opening
}: Opening & { call: ToolCall; result: ToolResult | null }) {
  const isError = result?.is_error === true;
  const fate = result ? (isError ? "failed" : "answered") : "no result";
  return (
    <Fold
      {...opening}
      head={
        <>
          <span className={classes["mark"]} style={{ background: filled(isError ? "red" : SPEAKERS.tool) }} />
          <span className={classes["foldName"]}>{call.tool_name}</span>
          <span
            className={`numbers ${classes["foldMore"]}`}
            style={isError ? { color: readable("red") } : undefined}
          >
            {fate}
            {result && result.tool_latency_secs > 0 && ` after ${span(result.tool_latency_secs)}`}
          </span>
          <span className={classes["foldEnd"]}>{call.type}</span>
        </>
      }
    >
      <Labelled label="Parameters" text={pretty(call.params_as_json)} />
      {result && (
        <Labelled
          label={isError ? "Error" : "Result"}
          text={pretty(result.raw_error_message || result.result_value) || "Nothing."}
        />
      )}
      {result?.error_type && (
        <Text size="xs" c="red">
          {result.error_type.replaceAll("_", " ")}
        </Text>
      )}
      {!result && (
        <Text size="xs" c="dimmed">
          Nothing came back before the end of the conversation.
        </Text>
      )}
      {(result?.dynamic_variable_updates ?? []).length > 0 && (
        <Labelled
          label="Variables that it set"
          text={JSON.stringify(result?.dynamic_variable_updates, null, 2)}
        />
      )}
    </Fold>
  );
}

function Labelled({ label, text }: { label: string; text: string }) {
  return (
    <Box mb={6}>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Code block mah={320} style={{ overflow: "auto" }} tabIndex={0}>
        {text.length > 20_000 ? `${text.slice(0, 20_000)}\n… (the record has all of it)` : text}
      </Code>
    </Box>
  );
}

/** The pieces of documents that were found for an answer. */
export function RetrievalFold({ found, ...opening }: Opening & { found: Retrieval }) {
  const used = new Set(found.used_chunk_ids ?? []);
  return (
    <Fold
      {...opening}
      head={
        <>
          <span className={classes["mark"]} style={{ background: filled("lime") }} />
          <span className={classes["foldName"]}>{counted(found.chunks.length, "piece")} of documents</span>
          <span className={classes["foldMore"]}>
            for “{found.retrieval_query}” in {span(found.rag_latency_secs)}
          </span>
        </>
      }
    >
      {found.chunks.map((chunk) => (
        <Chunk key={chunk.chunk_id} {...chunk} isUsed={used.has(chunk.chunk_id)} isOpen={opening.isOpen} />
      ))}
    </Fold>
  );
}

function Chunk(props: Retrieval["chunks"][number] & { isUsed: boolean; isOpen: boolean }) {
  const { data, error, isPending } = useChunk(props.document_id, props.chunk_id, props.isOpen);
  return (
    <Box mb={8}>
      <Text size="xs" c="dimmed" className="numbers">
        {data?.name ?? props.document_id} · distance {props.vector_distance.toFixed(3)}
        {props.isUsed && " · the answer relies on it"}
      </Text>
      {isPending && <Loader size="xs" />}
      {error && <Text size="xs">The piece is not there any more: its document was changed or deleted.</Text>}
      {data && (
        <Code block mah={200} style={{ overflow: "auto", whiteSpace: "pre-wrap" }} tabIndex={0}>
          {data.content}
        </Code>
      )}
    </Box>
  );
}
