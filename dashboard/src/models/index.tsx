import { Page } from "@/parts/Page";
import { PageTabs } from "@/parts/PageTabs";

import { AddModels } from "./AddModels";
import { InUse } from "./InUse";
import { Names } from "./Names";

const TABS = [
  { value: "here", label: "In use", tab: InUse },
  { value: "names", label: "Names", tab: Names },
  { value: "add", label: "Add models", tab: AddModels },
] as const;

/** `/models`: what works on this server, for which names, how fast, and how others are added. */
export default function Models() {
  return (
    <Page
      title="Models"
      lead="What thinks, listens, speaks and searches on this server, and how fast it does."
    >
      <PageTabs tabs={TABS} label="About models" />
    </Page>
  );
}
