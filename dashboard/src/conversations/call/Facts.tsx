import { Anchor, Group, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "react-router";

import type { ConversationRecord } from "@/api/conversations";
import { span } from "@/parts/format";
import { When } from "@/parts/When";

import { endingWords, money } from "../words";

/** What one wants to know first: with whom, when, how long, what it cost, how it ended. */
export function Facts({ record }: { record: ConversationRecord }) {
  const { metadata } = record;
  const facts: [string, ReactNode][] = [
    [
      "Agent",
      <Anchor key="agent" component={Link} to={`/agents/${record.agent_id}`} inherit underline="always">
        {record.agent_name ?? record.agent_id}
      </Anchor>,
    ],
    ["Began", <When key="when" at={metadata.start_time_unix_secs} />],
    [
      "Lasted",
      <span key="lasted" className="numbers">
        {span(metadata.call_duration_secs || null)}
      </span>,
    ],
    ["By", metadata.text_only ? "text" : "voice"],
    [
      "Cost",
      <span key="cost" className="numbers">
        {money(metadata.cost_fiat)}
      </span>,
    ],
  ];
  if (metadata.main_language) facts.push(["Language", metadata.main_language]);
  if (record.user_id) facts.push(["User", record.user_id]);
  if (metadata.queue_wait_secs) facts.push(["Waited for a place", span(metadata.queue_wait_secs)]);
  return (
    <>
      <Group gap="md" style={{ rowGap: 2 }} mt={4} fz="sm">
        {facts.map(([name, value]) => (
          <Text key={name} span inherit>
            {name}{" "}
            <Text span inherit c="var(--mantine-color-text)">
              {value}
            </Text>
          </Text>
        ))}
      </Group>
      <Text size="sm" c="var(--mantine-color-text)" mt={4}>
        {endingWords(record)}
      </Text>
      {metadata.warnings.slice(0, 3).map((warning) => (
        <Text key={warning} size="sm" c="var(--mantine-color-text)">
          Warning: {warning}
        </Text>
      ))}
    </>
  );
}
