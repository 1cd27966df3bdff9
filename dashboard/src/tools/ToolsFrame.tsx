import type { ReactNode } from "react";

import { Page } from "@/parts/Page";
import { SubNav } from "@/parts/SubNav";

const PLACES = [
  { to: "/tools", label: "Tools" },
  { to: "/tools/mcp", label: "MCP servers" },
];

export function ToolsFrame({ actions, children }: { actions?: ReactNode; children: ReactNode }) {
  return (
    <Page
      title="Tools"
      lead="What agents may do besides talking. Every agent can use those kept here."
      actions={actions}
    >
      <SubNav label="Tools" places={PLACES} />
      {children}
    </Page>
  );
}
