import { Button, Grid, SegmentedControl, SimpleGrid } from "@mantine/core";
import { IconMicrophone } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "react-router";

import { type Overview, useOverview } from "@/api/overview";
import { Failure } from "@/parts/Failure";
import { counted, span } from "@/parts/format";
import { Loading } from "@/parts/Loading";
import { Page } from "@/parts/Page";

import { Attention } from "./Attention";
import { DaysChart } from "./DaysChart";
import { Endings } from "./Endings";
import { FirstCall } from "./FirstCall";
import { LatencyPanel } from "./LatencyPanel";
import { Recent } from "./Recent";
import { Tile } from "./Tile";

const PERIODS = ["7", "14", "30", "90"];

/** How things are: what runs, what ran, how fast, how it ended, and what needs a look. */
export default function Home() {
  const [days, setDays] = useState("14");
  const { data, error, refetch } = useOverview(Number(days));
  return (
    <Page
      title="Home"
      lead="What runs, how fast callers are answered, and what needs a look."
      actions={
        <>
          <SegmentedControl
            size="sm"
            aria-label="Days shown"
            value={days}
            onChange={setDays}
            data={PERIODS.map((value) => ({ value, label: `${value} days` }))}
          />
          <Button component={Link} to="/talk" leftSection={<IconMicrophone size={16} />}>
            Talk to an agent
          </Button>
        </>
      }
    >
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading rows={4} height={96} />}
      {data && <Panels overview={data} days={days} />}
    </Page>
  );
}

function Panels({ overview, days }: { overview: Overview; days: string }) {
  const calls = overview.days.reduce((sum, day) => sum + day.calls, 0);
  const minutes = overview.days.reduce((sum, day) => sum + day.minutes, 0);
  const failed = overview.days.reduce((sum, day) => sum + day.failed, 0);
  const { latency } = overview;
  return (
    <>
      {calls === 0 && overview.live === 0 && <FirstCall />}
      <SimpleGrid cols={{ base: 2, md: 5 }} spacing="sm">
        <Tile
          label="Live now"
          value={overview.live.toLocaleString("en")}
          note={
            overview.waiting_for_human
              ? `${overview.waiting_for_human} waiting for a person`
              : "Watch and steer"
          }
          to="/live"
        />
        <Tile label="Calls" value={calls.toLocaleString("en")} note={`in ${days} days`} to="/conversations" />
        <Tile
          label="Minutes"
          value={minutes < 10 ? minutes.toFixed(1) : Math.round(minutes).toLocaleString("en")}
          note={`in ${days} days`}
        />
        <Tile
          label="Answered within"
          value={span(latency.p50_secs)}
          note={latency.turns ? `95 % within ${span(latency.p95_secs)}` : "nothing measured yet"}
        />
        <Tile
          label="Failed"
          value={failed.toLocaleString("en")}
          note={
            calls ? `${((100 * failed) / calls).toFixed(1)} % of ${counted(calls, "call")}` : "no calls yet"
          }
          tone={failed ? "bad" : undefined}
          to="/conversations?status=failed"
        />
      </SimpleGrid>
      <Grid gap="sm">
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <DaysChart days={overview.days} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Attention overview={overview} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <LatencyPanel latency={latency} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Endings endings={overview.endings} />
        </Grid.Col>
        <Grid.Col span={12}>
          <Recent />
        </Grid.Col>
      </Grid>
    </>
  );
}
