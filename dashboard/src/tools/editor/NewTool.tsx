import { useParams } from "react-router";

import type { JsonObject } from "@/api/agents";

import { ToolEditor } from "./ToolEditor";

const CLIENT: JsonObject = {
  type: "client",
  name: "",
  description: "",
  expects_response: true,
  response_timeout_secs: 20,
  parameters: { type: "object", properties: {}, required: [] },
};

const WEBHOOK: JsonObject = {
  type: "webhook",
  name: "",
  description: "",
  response_timeout_secs: 20,
  api_schema: { url: "", method: "GET", request_headers: {} },
};

/** `/tools/new/webhook` and `/tools/new/client`: a tool that is not stored yet. */
export default function NewTool() {
  const { type } = useParams();
  const config = type === "client" ? CLIENT : WEBHOOK;
  return <ToolEditor key={type} toolId={null} stored={config} agents={[]} />;
}
