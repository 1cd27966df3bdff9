import { Badge, Skeleton, Stack, Tabs } from "@mantine/core";
import { IconMessageOff } from "@tabler/icons-react";
import { type ComponentType, lazy, Suspense } from "react";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";

import { type ConversationRecord, isRunning, useConversation } from "@/api/conversations";
import { ApiError } from "@/api/client";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";
import { Page } from "@/parts/Page";

import { STATUS } from "../words";
import { Actions } from "./Actions";
import { CallTab } from "./CallTab";
import { Facts } from "./Facts";

const EventsTab = lazy(() => import("../tabs/EventsTab"));
const RecordTab = lazy(() => import("../tabs/RecordTab"));
const WhyTab = lazy(() => import("../tabs/WhyTab"));
const AnalysisTab = lazy(() => import("../tabs/AnalysisTab"));
const CostTab = lazy(() => import("../tabs/CostTab"));
const WebhooksTab = lazy(() => import("../tabs/WebhooksTab"));

interface TabProps {
  record: ConversationRecord;
}

const TABS: { value: string; label: string; tab: ComponentType<TabProps> }[] = [
  { value: "call", label: "Call", tab: CallTab },
  { value: "why", label: "Why", tab: WhyTab },
  { value: "analysis", label: "Analysis", tab: AnalysisTab },
  { value: "events", label: "Events", tab: EventsTab },
  { value: "cost", label: "Cost", tab: CostTab },
  { value: "webhooks", label: "Webhooks", tab: WebhooksTab },
  { value: "record", label: "Record", tab: RecordTab },
];

const TRAIL = [{ label: "Conversations", to: "/conversations" }];

/** One conversation, whole. */
export function ConversationPage() {
  const { id = "" } = useParams();
  const conversation = useConversation(id);
  const record = conversation.data;
  if (!record) {
    const isGone = conversation.error instanceof ApiError && conversation.error.status === 404;
    return (
      <Page title="Conversation" trail={TRAIL}>
        {isGone ? (
          <EmptyState
            icon={IconMessageOff}
            title="There is no such conversation"
            text="It was deleted, or its retention has passed, or the link is not right."
            action={<Link to="/conversations">All conversations</Link>}
          />
        ) : conversation.error ? (
          <Failure error={conversation.error} retry={() => void conversation.refetch()} />
        ) : (
          <Stack aria-busy="true">
            <Skeleton height={56} />
            <Skeleton height={320} />
            <Loading rows={6} height={64} />
          </Stack>
        )}
      </Page>
    );
  }
  return <Shown key={id} record={record} />;
}

function Shown({ record }: TabProps) {
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const wanted = params.get("tab");
  const tab = TABS.find(({ value }) => value === wanted)?.value ?? "call";
  const isLive = isRunning(record.status);
  const status = STATUS[record.status];
  const title = record.analysis?.call_summary_title || record.agent_name || record.agent_id;
  return (
    <Page
      title={title}
      trail={TRAIL}
      lead={<Facts record={record} />}
      actions={
        <>
          <Badge size="lg" variant="light" color={status.colour} tt="none" c="var(--mantine-color-text)">
            {status.label}
          </Badge>
          <Actions record={record} />
        </>
      }
    >
      <Tabs
        value={tab}
        onChange={(value) =>
          void navigate(value === "call" || !value ? "?" : `?tab=${value}`, { replace: true })
        }
        keepMounted={false}
        variant="default"
      >
        <Tabs.List
          style={{ flexWrap: "nowrap", overflowX: "auto", overflowY: "hidden" }}
          aria-label="Of this conversation"
        >
          {TABS.map(({ value, label }) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {TABS.map(({ value, tab: Tab }) => (
          <Tabs.Panel key={value} value={value} pt="md">
            <Suspense fallback={<Loading />}>
              <Tab key={String(isLive)} record={record} />
            </Suspense>
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  );
}
