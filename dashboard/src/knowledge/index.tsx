import { lazy } from "react";
import { Route, Routes } from "react-router";

import { NotFound } from "@/shell/NotFound";

import { FolderPage } from "./list/FolderPage";

const DocumentPage = lazy(() => import("./document/DocumentPage"));
const TryPage = lazy(() => import("./try/TryPage"));

/** The knowledge base: documents that agents know, and how they are found. */
export default function Knowledge() {
  return (
    <Routes>
      <Route index element={<FolderPage />} />
      <Route path="try" element={<TryPage />} />
      <Route path=":documentId" element={<DocumentPage />} />
      <Route path="*" element={<NotFound />} />
    </Routes>
  );
}
