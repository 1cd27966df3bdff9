import { lazy } from "react";
import { Route, Routes } from "react-router";

import { NotFound } from "@/shell/NotFound";

import { ToolList } from "./list/ToolList";

const ToolPage = lazy(() => import("./editor/ToolPage"));
const NewTool = lazy(() => import("./editor/NewTool"));
const McpList = lazy(() => import("./mcp/McpList"));
const McpPage = lazy(() => import("./mcp/McpPage"));

/** Tools: what agents may do besides talking. */
export default function Tools() {
  return (
    <Routes>
      <Route index element={<ToolList />} />
      <Route path="mcp" element={<McpList />} />
      <Route path="mcp/:serverId" element={<McpPage />} />
      <Route path="new/:type" element={<NewTool />} />
      <Route path=":toolId" element={<ToolPage />} />
      <Route path="*" element={<NotFound />} />
    </Routes>
  );
}
