import { ConversationProvider } from "@elevenlabs/react";
import { useState } from "react";
import { Navigate, useLocation, useNavigate, useParams } from "react-router";

import { useAgents } from "@/api/agents";
import { Page } from "@/parts/Page";

import { Talk } from "./Talk";

const DEMO = "agent_demo";
const LAST = "parola-talk-agent";

/** `/talk` and `/talk/:agentId`: a call with an agent, from this browser. */
export default function TalkPage() {
  const { agentId } = useParams();
  const navigate = useNavigate();
  const agents = useAgents("", []);
  const [generation, setGeneration] = useState(0);
  const { search } = useLocation();
  if (agentId === undefined && agents.items.length) {
    const ids = agents.items.map(({ agent_id }) => agent_id);
    const last = localStorage.getItem(LAST);
    // Of many agents only the newest are listed here: the last one may be any other.
    const isThere = last !== null && (agents.hasMore || ids.includes(last));
    const first = isThere ? last : ids.includes(DEMO) ? DEMO : ids[0];
    // From here on the address says who it is, and no list that is read again can change it.
    return <Navigate to={`/talk/${first}${search}`} replace />;
  }
  const chosen = agentId ?? "";
  const choose = (id: string) => {
    localStorage.setItem(LAST, id);
    void navigate(`/talk/${id}`, { replace: true });
  };
  return (
    <Page
      title="Talk"
      lead="Call an agent from this browser, or write to it, and see every message that goes over the wire."
    >
      <ConversationProvider key={`${chosen} ${generation}`}>
        <Talk
          agentId={chosen}
          isLoading={!chosen && agents.isPending}
          error={chosen ? null : agents.error}
          onAgent={choose}
          onAbandon={() => setGeneration((now) => now + 1)}
        />
      </ConversationProvider>
    </Page>
  );
}
