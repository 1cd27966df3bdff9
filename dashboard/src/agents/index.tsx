import { lazy } from "react";
import { Route, Routes } from "react-router";

import { NotFound } from "@/shell/NotFound";

import { AgentList } from "./list/AgentList";

const AgentEditor = lazy(() => import("./editor/AgentEditor"));

/** Everything about agents: the list, and the editor of one. */
export default function Agents() {
  return (
    <Routes>
      <Route index element={<AgentList />} />
      <Route path=":agentId" element={<AgentEditor />} />
      <Route path="*" element={<NotFound />} />
    </Routes>
  );
}
