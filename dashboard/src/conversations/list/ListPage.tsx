import { Button, Menu, Stack } from "@mantine/core";
import {
  IconDownload,
  IconFilterOff,
  IconMessages,
  IconSortDescending,
  IconTerminal2,
} from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Link, useSearchParams } from "react-router";

import { api } from "@/api/client";
import { CONVERSATIONS, type ConversationSummary, useHits } from "@/api/conversations";
import { useListed } from "@/api/paging";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { LoadMore } from "@/parts/LoadMore";
import { Loading } from "@/parts/Loading";
import { done, failed } from "@/parts/notices";
import { Page } from "@/parts/Page";
import { forThisServer } from "@/parts/here";
import { saveAs } from "@/parts/save";

import { FilterBar } from "./FilterBar";
import {
  countFilters,
  exportCommand,
  type Filters,
  NONE,
  readFilters,
  toQuery,
  writeFilters,
} from "./filters";
import { Rows } from "./Rows";

/** All conversations: searched, filtered, exported. */
export function ListPage() {
  const [params, setParams] = useSearchParams();
  const filters = readFilters(params);
  const query = toQuery(filters);
  // Running ones change and new ones come: it is looked at again while the page is.
  const list = useListed<ConversationSummary>(
    CONVERSATIONS,
    "conversations",
    { ...query, page_size: 50 },
    { refresh: { everyMs: 10_000, id: "conversation_id" } },
  );
  const hits = useHits(filters.q, query);
  const searchBox = useRef<HTMLInputElement>(null);
  const change = (some: Partial<Filters>) =>
    setParams(writeFilters({ ...filters, ...some }), { replace: true });

  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.target !== document.body) return;
      event.preventDefault();
      searchBox.current?.focus();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, []);

  const isFiltered = countFilters(filters) > 0 || filters.q !== "";
  return (
    <Page
      title="Conversations"
      lead="Every call and chat, with why it went as it did."
      actions={
        <>
          <Button
            variant="default"
            leftSection={<IconSortDescending size={16} />}
            onClick={() => change({ order: filters.order ? "" : "asc" })}
          >
            {filters.order ? "Oldest first" : "Newest first"}
          </Button>
          <ExportMenu query={query} />
        </>
      }
    >
      <FilterBar filters={filters} change={change} searchBox={searchBox} />
      {list.error && <Failure error={list.error} retry={list.refetch} />}
      {list.isPending ? (
        <Loading rows={10} height={52} />
      ) : list.items.length ? (
        <Stack gap="md">
          <Rows items={list.items} hits={filters.q ? hits.data : undefined} />
          <LoadMore list={list} />
        </Stack>
      ) : list.error ? null : isFiltered ? (
        <EmptyState
          icon={IconFilterOff}
          title="No conversation fits"
          text={
            list.hasMore
              ? "None of the newest ones does; older ones were not looked at yet."
              : "Take a filter away, or search for other words."
          }
          action={
            list.hasMore ? (
              <LoadMore list={list} />
            ) : (
              <Button variant="default" onClick={() => change(NONE)}>
                Clear all filters
              </Button>
            )
          }
        />
      ) : (
        <EmptyState
          icon={IconMessages}
          title="Nobody has called yet"
          text={
            <>
              <Link to="/talk">Talk to an agent</Link> in the browser, or call one from a terminal:
            </>
          }
          command={forThisServer("parola chat")}
        />
      )}
    </Page>
  );
}

function ExportMenu({ query }: { query: ReturnType<typeof toQuery> }) {
  const download = useMutation({
    mutationFn: () => api.blob("/v1/x/conversations/export", query),
    onSuccess: (file) => saveAs(file, "conversations.ndjson"),
    onError: (error) => failed(error, "Nothing was exported"),
  });
  const copy = () =>
    void navigator.clipboard.writeText(forThisServer(exportCommand(query))).then(
      () => done("The command is on the clipboard."),
      (error: unknown) => failed(error, "Nothing was copied"),
    );
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" leftSection={<IconDownload size={16} />} loading={download.isPending}>
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconDownload size={16} />} onClick={() => download.mutate()}>
          Download what is shown, one record a line
        </Menu.Item>
        <Menu.Item leftSection={<IconTerminal2 size={16} />} onClick={copy}>
          Copy the command for a terminal
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
