import { lazy } from "react";

import { Page } from "@/parts/Page";
import { PageTabs } from "@/parts/PageTabs";

import { KeyList } from "./KeyList";

const AuditLog = lazy(async () => ({ default: (await import("./AuditLog")).AuditLog }));
const Members = lazy(async () => ({ default: (await import("./Members")).Members }));

const TABS = [
  { value: "keys", label: "API keys", tab: KeyList },
  { value: "members", label: "Members", tab: Members },
  { value: "audit", label: "Audit log", tab: AuditLog },
] as const;

/** `/keys`: who may use this server, for what, and who did what. */
export default function Keys() {
  return (
    <Page title="Keys and members" lead="Who may use this server and for what, and who did what.">
      <PageTabs tabs={TABS} label="About keys" />
    </Page>
  );
}
