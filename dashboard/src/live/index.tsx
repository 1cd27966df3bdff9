import { lazy } from "react";
import { Route, Routes } from "react-router";

import { NotFound } from "@/shell/NotFound";

import { ListPage } from "./list/ListPage";

const CallPage = lazy(() => import("./call/CallPage"));

/** Calls while they run: all of them, and one to listen to, speak into and take over. */
export default function Live() {
  return (
    <Routes>
      <Route index element={<ListPage />} />
      <Route path=":conversationId" element={<CallPage />} />
      <Route path="*" element={<NotFound />} />
    </Routes>
  );
}
