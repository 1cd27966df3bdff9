import { IconHeadset, IconKeyboard, IconPhone, IconUserShield } from "@tabler/icons-react";
import { memo } from "react";
import { Link } from "react-router";

import type { LiveConversation } from "@/api/live";
import { span } from "@/parts/format";

import { Since } from "../clock";
import classes from "../Live.module.css";
import { StatusMark } from "../StatusMark";

/** The calls, one a line. */
export function Rows({ items }: { items: readonly LiveConversation[] }) {
  return (
    <>
      <div className={classes["head"]} aria-hidden="true">
        <span>Agent and caller</span>
        <span>Now</span>
        <span>Last words</span>
        <span>Answered in</span>
        <span>Duration</span>
      </div>
      <ul className={classes["rows"]} aria-label="Running conversations">
        {items.map((one) => (
          <Row key={one.conversation_id} one={one} />
        ))}
      </ul>
    </>
  );
}

/** Plain elements, drawn again only when this call has changed. */
const Row = memo(function Row({ one }: { one: LiveConversation }) {
  const Kind = one.is_voice ? IconPhone : IconKeyboard;
  return (
    <li>
      <Link to={`/live/${one.conversation_id}`} className={classes["row"]}>
        <span className={classes["who"]}>
          <Kind
            size={16}
            className={classes["kind"]}
            role="img"
            aria-label={one.is_voice ? "Voice" : "Chat"}
          />
          <span className={classes["names"]}>
            <span className={classes["agent"]}>{one.agent_name || "A deleted agent"}</span>
            <span className={classes["caller"]}>{one.user_id ?? "Caller not named"}</span>
          </span>
        </span>
        <span className={classes["now"]}>
          <StatusMark status={one.status} />
          {one.taken_over_by !== null && (
            <span className={classes["by"]} title="Has taken over">
              <IconUserShield size={14} aria-hidden="true" />
              {one.taken_over_by || "Somebody"}
            </span>
          )}
          {one.taken_over_by === null && one.operators > 0 && (
            <span className={classes["by"]} title="Operators who look on">
              <IconHeadset size={14} aria-hidden="true" />
              {one.operators}
            </span>
          )}
        </span>
        <span className={classes["words"]}>
          {one.last_message ? (
            <>
              <span className={classes[one.last_message.role]}>
                {one.last_message.role === "user" ? "Caller" : "Agent"}
              </span>{" "}
              {one.last_message.text}
            </>
          ) : (
            <span className={classes["faint"]}>No words to show</span>
          )}
        </span>
        <span className={`${classes["latency"]} numbers`}>
          {one.latency_secs === null ? "–" : span(one.latency_secs)}
        </span>
        <span className={`${classes["duration"]} numbers`}>
          <Since at={one.started_at_unix_secs} />
        </span>
      </Link>
    </li>
  );
});
