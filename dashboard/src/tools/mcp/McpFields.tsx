import { NumberInput, Textarea } from "@mantine/core";
import { useState } from "react";

import type { Json, JsonObject } from "@/api/agents";
import { BearerToken } from "@/parts/BearerToken";

import { at, isObject } from "../../agents/editor/document";
import { headerLines, readHeaders } from "../../webhooks/endpoints/headers";

const USUAL_TIMEOUT_SECS = 30;

interface Props {
  config: JsonObject;
  set: (key: string, value: Json) => void;
}

/** How Parola shows an MCP server who it is, and how long it waits for one. */
export function McpFields({ config, set }: Props) {
  const [lines, setLines] = useState(() =>
    headerLines(isObject(config.request_headers) ? config.request_headers : null),
  );
  const { problem } = readHeaders(lines);
  const timeout = config.response_timeout_secs;
  return (
    <>
      <BearerToken
        label="Token"
        value={at(config, "secret_token.secret_id")}
        onChange={(id) => set("secret_token", id ? { secret_id: id } : null)}
        clear="No token"
      />
      <Textarea
        label="Headers"
        description={'One a line, as “Name: value”. A secret stands as {"secret_id": "…"}.'}
        placeholder="X-Shop: trattoria"
        value={lines}
        onChange={(event) => {
          const next = event.currentTarget.value;
          setLines(next);
          const read = readHeaders(next);
          if (!read.problem) set("request_headers", read.headers as JsonObject);
        }}
        error={problem}
        styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
        autosize
        minRows={2}
        maxRows={8}
      />
      <NumberInput
        label="Waits for an answer"
        suffix=" s"
        min={5}
        max={300}
        clampBehavior="blur"
        allowDecimal={false}
        value={typeof timeout === "number" ? timeout : USUAL_TIMEOUT_SECS}
        onChange={(value) => typeof value === "number" && set("response_timeout_secs", value)}
      />
    </>
  );
}
