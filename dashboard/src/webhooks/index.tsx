import { lazy } from "react";
import { Navigate, Route, Routes, useSearchParams } from "react-router";

import { NotFound } from "@/shell/NotFound";

import { EndpointsPage } from "./endpoints/EndpointsPage";

const DeliveriesPage = lazy(() => import("./deliveries/DeliveriesPage"));
const DeliveryPage = lazy(() => import("./deliveries/DeliveryPage"));
const VerifyPage = lazy(() => import("./verify/VerifyPage"));

/** Webhooks: who is told what, what became of each message, and how to receive them. */
export default function Webhooks() {
  return (
    <Routes>
      <Route index element={<Start />} />
      <Route path="deliveries" element={<DeliveriesPage />} />
      <Route path="deliveries/:deliveryId" element={<DeliveryPage />} />
      <Route path="verify" element={<VerifyPage />} />
      <Route path="*" element={<NotFound />} />
    </Routes>
  );
}

/** Who asks for a conversation asks what was sent of it. */
function Start() {
  const [query] = useSearchParams();
  return query.has("conversation_id") ? <Navigate to={`deliveries?${query}`} replace /> : <EndpointsPage />;
}
