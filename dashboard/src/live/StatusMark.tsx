import type { LiveStatus } from "@/api/live";
import { filled } from "@/parts/colours";

import classes from "./Live.module.css";
import { STATUSES } from "./status";

/** What happens in a call now: a mark that moves as long as it does, and words. Plain elements, for lists of many. */
export function StatusMark({ status }: { status: LiveStatus }) {
  const { label, colour, motion } = STATUSES[status];
  return (
    <span className={classes["status"]} data-status={status}>
      <span
        className={classes["mark"]}
        data-motion={motion}
        aria-hidden="true"
        style={{ color: filled(colour) }}
      >
        <i />
        <i />
        <i />
      </span>
      {label}
    </span>
  );
}
