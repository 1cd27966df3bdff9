import { Tabs } from "@mantine/core";
import { type ComponentType, Suspense } from "react";
import { useSearchParams } from "react-router";

import { Loading } from "./Loading";

interface Props {
  /** The first one is shown when the address names none. */
  tabs: readonly { value: string; label: string; tab: ComponentType }[];
  /** What they are parts of, for those who cannot see it. */
  label: string;
}

/** Parts of a page, one at a time; which one is in the address (`?tab=`). */
export function PageTabs({ tabs, label: of }: Props) {
  const [params, setParams] = useSearchParams();
  const wanted = params.get("tab");
  const first = tabs[0]?.value;
  const shown = tabs.find(({ value }) => value === wanted)?.value ?? first;
  return (
    <Tabs
      value={shown}
      onChange={(value) => setParams(value && value !== first ? { tab: value } : {}, { replace: true })}
      keepMounted={false}
    >
      <Tabs.List aria-label={of} style={{ flexWrap: "nowrap", overflowX: "auto", overflowY: "hidden" }}>
        {tabs.map(({ value, label }) => (
          <Tabs.Tab key={value} value={value}>
            {label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {tabs.map(({ value, tab: Tab }) => (
        <Tabs.Panel key={value} value={value} pt="lg">
          <Suspense fallback={<Loading />}>
            <Tab />
          </Suspense>
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}
