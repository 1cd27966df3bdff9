import { useParams } from "react-router";

import { useTool, useToolAgents } from "@/api/tools";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";
import { Page } from "@/parts/Page";

import { ToolEditor } from "./ToolEditor";

/** `/tools/:id`: one tool. */
export default function ToolPage() {
  const { toolId = "" } = useParams();
  const tool = useTool(toolId);
  const agents = useToolAgents(toolId);
  if (tool.data) {
    return (
      <ToolEditor key={toolId} toolId={toolId} stored={tool.data.tool_config} agents={agents.data ?? []} />
    );
  }
  return (
    <Page title="Tool" trail={[{ label: "Tools", to: "/tools" }]}>
      {tool.error ? (
        <Failure error={tool.error} retry={() => void tool.refetch()} />
      ) : (
        <Loading rows={5} height={70} />
      )}
    </Page>
  );
}
