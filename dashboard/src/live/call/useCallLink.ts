import { useEffect, useState, useSyncExternalStore } from "react";

import { CallLink, type CallState } from "./CallLink";
import { NO_FEED } from "./feed";

const NOTHING: CallState = {
  phase: { kind: "connecting" },
  role: "observer",
  mayOnlyWatch: false,
  feed: NO_FEED,
  events: [],
};

const noWatch = () => () => undefined;
const nothing = () => NOTHING;

/** The link to a call, under the operator's name (none: it only watches), and what came over it. */
export function useCallLink(id: string, operator: string): { link: CallLink | null; state: CallState } {
  const [link, setLink] = useState<CallLink | null>(null);
  useEffect(() => {
    const opened = new CallLink(id, operator);
    // eslint-disable-next-line react-hooks/set-state-in-effect -- a socket is opened by an effect, and closed by it
    setLink(opened);
    return () => {
      opened.close();
      setLink(null);
    };
  }, [id, operator]);
  const state = useSyncExternalStore(link?.subscribe ?? noWatch, link?.snapshot ?? nothing);
  return { link, state };
}
