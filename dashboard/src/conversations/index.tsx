import { lazy } from "react";
import { Route, Routes } from "react-router";

import { NotFound } from "@/shell/NotFound";

import { ListPage } from "./list/ListPage";

const ConversationPage = lazy(() =>
  import("./call/ConversationPage").then((module) => ({ default: module.ConversationPage })),
);

/** Conversations: the list, and each of them. */
export default function Conversations() {
  return (
    <Routes>
      <Route index element={<ListPage />} />
      <Route path=":id" element={<ConversationPage />} />
      <Route path="*" element={<NotFound />} />
    </Routes>
  );
}
