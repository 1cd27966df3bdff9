import { lazy } from "react";
import { Route, Routes } from "react-router";

import { NotFound } from "@/shell/NotFound";

import { SecretsPage } from "./SecretsPage";

const VariablesPage = lazy(() => import("./VariablesPage"));
const ConnectionsPage = lazy(() => import("./ConnectionsPage"));

/** Values that agents and tools need and nobody should read: secrets, variables by environment, auth connections. */
export default function Secrets() {
  return (
    <Routes>
      <Route index element={<SecretsPage />} />
      <Route path="environment" element={<VariablesPage />} />
      <Route path="auth" element={<ConnectionsPage />} />
      <Route path="*" element={<NotFound />} />
    </Routes>
  );
}
