import type { ReactNode } from "react";

import { Page } from "@/parts/Page";
import { SubNav } from "@/parts/SubNav";

const PLACES = [
  { to: "/webhooks", label: "Endpoints" },
  { to: "/webhooks/deliveries", label: "Deliveries" },
  { to: "/webhooks/verify", label: "Receive and verify" },
];

/** What the three pages of webhooks have around them. */
export function WebhooksFrame({ actions, children }: { actions?: ReactNode; children: ReactNode }) {
  return (
    <Page
      title="Webhooks"
      lead="What this server tells yours when a conversation has ended, and whether it arrived."
      actions={actions}
    >
      <SubNav label="Webhooks" places={PLACES} />
      {children}
    </Page>
  );
}
