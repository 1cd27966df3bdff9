import { filled } from "@/parts/colours";
import { span } from "@/parts/format";

import type { Answer } from "../timeline/answers";
import { STEP_LABELS } from "../timeline/explain";
import { STEP_COLOURS } from "../timeline/lanes";
import classes from "./Transcript.module.css";

/** The steps of an answer as a bar; `longest` seconds fill the width. */
export function LatencyBar({
  answer,
  longest,
  width,
}: {
  answer: Answer;
  longest: number;
  width: number | string;
}) {
  const share = Math.min(1, answer.total / Math.max(0.001, longest));
  return (
    <div style={{ width }}>
      <div className={classes["bar"]} style={{ width: `${share * 100}%`, minWidth: 4 }}>
        {answer.steps.map((step) => (
          <div
            key={step.name}
            style={{
              width: `${(step.secs / answer.total) * 100}%`,
              background: filled(STEP_COLOURS[step.name]),
            }}
          />
        ))}
      </div>
    </div>
  );
}

/** How long the user waited for a turn, small, beside it. */
export function Latency({ answer }: { answer: Answer }) {
  const parts = answer.steps.filter((step) => step.secs >= 0.001);
  return (
    <div
      className={classes["latency"]}
      title={parts.map((step) => `${STEP_LABELS[step.name]} ${span(step.secs)}`).join(" + ")}
    >
      <LatencyBar answer={answer} longest={3} width={56} />
      <span className="numbers">{span(answer.total)}</span>
    </div>
  );
}
