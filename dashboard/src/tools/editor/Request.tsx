import { Group, Select, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";

import type { Json, JsonObject } from "@/api/agents";
import { CONNECTIONS } from "@/api/choices";
import { PickOne } from "@/parts/PickOne";

import { at, isObject } from "../../agents/editor/document";
import { headerLines, readHeaders } from "../../webhooks/endpoints/headers";
import { ParameterTable } from "./ParameterTable";
import { pathNames, readParameters, writeProperties, writeRequired } from "./parameters";
import type { Draft } from "./ToolEditor";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const FORM = "application/x-www-form-urlencoded";

/** The HTTP request of a webhook tool: address, parameters by their part, headers, auth. */
export function Request({ draft: { config, set } }: { draft: Draft }) {
  const schema = isObject(config.api_schema) ? config.api_schema : {};
  const put = (path: string, value: Json | undefined) => set(`api_schema.${path}`, value);
  const method = String(schema.method ?? "GET");
  const url = String(schema.url ?? "");
  const hasBody = method !== "GET" && method !== "DELETE";
  const path = isObject(schema.path_params_schema) ? schema.path_params_schema : {};
  const missing = pathNames(url).filter((name) => !(name in path));
  return (
    <Stack>
      <Group gap="xs" align="flex-start" wrap="nowrap">
        <Select
          label="Method"
          data={METHODS}
          value={method}
          onChange={(value) => put("method", value ?? "GET")}
          allowDeselect={false}
          w={110}
          style={{ flex: "none" }}
        />
        <TextInput
          label="URL"
          placeholder="https://api.example.com/shops/{shop}/bookings"
          value={url}
          onChange={(event) => put("url", event.currentTarget.value)}
          description="{name} is a path parameter, {{name}} a variable."
          inputWrapperOrder={["label", "input", "description", "error"]}
          flex={1}
          required
        />
      </Group>
      {(Object.keys(path).length > 0 || missing.length > 0) && (
        <ParameterTable
          title="Path parameters"
          help={
            missing.length
              ? `The URL names ${missing.join(", ")}: add it here.`
              : "Each is one part of the path."
          }
          parameters={readParameters(path, [])}
          change={(parameters) => put("path_params_schema", writeProperties(parameters))}
          canBeOptional={false}
        />
      )}
      <ParameterTable
        title="Query parameters"
        help="What stands behind the ? of the address."
        parameters={readParameters(
          at(schema, "query_params_schema.properties"),
          at(schema, "query_params_schema.required"),
        )}
        change={(parameters) =>
          put("query_params_schema", parametersOf(schema.query_params_schema, parameters, {}))
        }
      />
      {hasBody && (
        <>
          <ParameterTable
            title="Body"
            help="The fields of the JSON object that is sent."
            parameters={readParameters(
              at(schema, "request_body_schema.properties"),
              at(schema, "request_body_schema.required"),
            )}
            change={(parameters) =>
              put(
                "request_body_schema",
                parametersOf(schema.request_body_schema, parameters, { type: "object" }),
              )
            }
          />
          <Select
            label="The body is sent as"
            data={[
              { value: "application/json", label: "JSON" },
              { value: FORM, label: "A form" },
            ]}
            value={schema.content_type === FORM ? FORM : "application/json"}
            onChange={(value) => put("content_type", value ?? undefined)}
            allowDeselect={false}
            maw={260}
          />
        </>
      )}
      <Headers value={schema.request_headers} change={(headers) => put("request_headers", headers)} />
      <PickOne
        label="Auth connection"
        description={
          <>
            Proves to the service who is asking. Made under <Link to="/secrets/auth">Secrets</Link>.
          </>
        }
        placeholder="None"
        none="There are none yet"
        from={CONNECTIONS}
        value={String(at(schema, "auth_connection.auth_connection_id") ?? "") || null}
        onChange={(id) => put("auth_connection", id ? { auth_connection_id: id } : undefined)}
        clearable
        clearButtonProps={{ "aria-label": "No auth connection" }}
        maw={420}
      />
      <Text size="sm" c="dimmed">
        A filter of the answer, redirects and mocks stand in the JSON view.
      </Text>
    </Stack>
  );
}

const parametersOf = (
  old: Json | undefined,
  parameters: Parameters<typeof writeProperties>[0],
  more: JsonObject,
): JsonObject => ({
  ...more,
  ...(isObject(old) ? old : {}),
  properties: writeProperties(parameters),
  required: writeRequired(parameters),
});

function Headers({ value, change }: { value: Json | undefined; change: (headers: JsonObject) => void }) {
  const [lines, setLines] = useState(() => headerLines(isObject(value) ? value : null));
  const { problem } = readHeaders(lines);
  return (
    <Textarea
      label="Headers"
      description={
        'One a line, as “Name: value”; {{name}} is a variable, a secret stands as {"secret_id": "…"}.'
      }
      placeholder="X-Tenant: {{shop}}"
      value={lines}
      onChange={(event) => {
        const next = event.currentTarget.value;
        setLines(next);
        const read = readHeaders(next);
        if (!read.problem) change(read.headers as JsonObject);
      }}
      error={problem}
      styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
      autosize
      minRows={2}
    />
  );
}
