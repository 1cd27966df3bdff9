import type { ReactNode } from "react";

import { Page } from "@/parts/Page";
import { SubNav } from "@/parts/SubNav";

const PLACES = [
  { to: "/knowledge", label: "Documents" },
  { to: "/knowledge/try", label: "Search and try" },
];

export function KnowledgeFrame({ actions, children }: { actions?: ReactNode; children: ReactNode }) {
  return (
    <Page title="Knowledge base" lead="Documents that agents know: files, pages and texts." actions={actions}>
      <SubNav label="Knowledge base" places={PLACES} />
      {children}
    </Page>
  );
}
