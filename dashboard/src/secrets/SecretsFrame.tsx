import type { ReactNode } from "react";

import { Page } from "@/parts/Page";
import { SubNav } from "@/parts/SubNav";

const PLACES = [
  { to: "/secrets", label: "Secrets" },
  { to: "/secrets/environment", label: "Environment variables" },
  { to: "/secrets/auth", label: "Auth connections" },
];

export function SecretsFrame({ actions, children }: { actions: ReactNode; children: ReactNode }) {
  return (
    <Page
      title="Secrets"
      lead="Keys that tools, models and webhooks are called with. They are kept sealed and never shown again."
      actions={actions}
    >
      <SubNav label="Secrets" places={PLACES} />
      {children}
    </Page>
  );
}
