import { lazy } from "react";

import { Page } from "@/parts/Page";
import { PageTabs } from "@/parts/PageTabs";

import { General } from "./General";

const TABS = [
  { value: "general", label: "General", tab: General },
  { value: "privacy", label: "Privacy", tab: lazy(() => import("./Privacy")) },
  { value: "pronunciation", label: "Pronunciation", tab: lazy(() => import("./pronunciation/Dictionaries")) },
  { value: "limits", label: "Limits", tab: lazy(() => import("./Limits")) },
  { value: "server", label: "This server", tab: lazy(() => import("./Server")) },
] as const;

/** `/settings`: what holds for all agents, and how the server was started. */
export default function Settings() {
  return (
    <Page title="Settings" lead="What holds for all agents, and how this server was started.">
      <PageTabs tabs={TABS} label="Settings" />
    </Page>
  );
}
