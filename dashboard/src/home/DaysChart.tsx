import { SegmentedControl, Text, Tooltip, VisuallyHidden } from "@mantine/core";
import { useState } from "react";

import type { Day } from "@/api/overview";
import { filled } from "@/parts/colours";
import { counted } from "@/parts/format";

import classes from "./DaysChart.module.css";
import { Panel } from "./Panel";

const MEASURES = { calls: "Calls", minutes: "Minutes" } as const;
type Measure = keyof typeof MEASURES;

/** A bar for each day; what failed is marked at its foot. */
export function DaysChart({ days }: { days: Day[] }) {
  const [measure, setMeasure] = useState<Measure>("calls");
  const most = Math.max(1, ...days.map((day) => day[measure]));
  const total = days.reduce((sum, day) => sum + day[measure], 0);
  const first = days[0];
  return (
    <Panel
      title="Day by day"
      aside={
        <SegmentedControl
          size="xs"
          aria-label="What the bars show"
          value={measure}
          onChange={(value) => setMeasure(value as Measure)}
          data={Object.entries(MEASURES).map(([value, label]) => ({ value, label }))}
        />
      }
    >
      <div className={classes.chart} aria-hidden>
        <Text className={classes.top}>{most < 10 ? Number(most.toFixed(1)) : Math.round(most)}</Text>
        {days.map((day) => (
          <Tooltip key={day.date} label={told(day)} openDelay={0}>
            <div className={classes.day}>
              <div className={classes.bar} style={{ height: `${(100 * day[measure]) / most}%` }}>
                {day.failed > 0 && (
                  <div
                    className={classes.failed}
                    style={{ height: `${(100 * day.failed) / day.calls}%`, background: filled("red") }}
                  />
                )}
              </div>
            </div>
          </Tooltip>
        ))}
      </div>
      <div className={classes.axis} aria-hidden>
        <span>{first && short(first.date)}</span>
        <span className="numbers">
          {measure === "calls" ? counted(total, "call") : `${Math.round(total)} minutes`}
        </span>
        <span>today</span>
      </div>
      <VisuallyHidden>
        <ul>
          {days.map((day) => (
            <li key={day.date}>{told(day)}</li>
          ))}
        </ul>
      </VisuallyHidden>
    </Panel>
  );
}

const short = (date: string) =>
  new Date(`${date}T12:00`).toLocaleDateString("en", { day: "numeric", month: "short" });

function told(day: Day): string {
  const failed = day.failed ? `, ${day.failed} failed` : "";
  return `${short(day.date)}: ${counted(day.calls, "call")}${failed}, ${day.minutes.toFixed(1)} minutes`;
}
