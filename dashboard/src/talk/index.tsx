import { ConversationProvider } from "@elevenlabs/react";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";

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
  const ids = agents.items.map(({ agent_id }) => agent_id);
  const last = localStorage.getItem(LAST) ?? "";
  const chosen = agentId ?? [last, DEMO].find((id) => ids.includes(id)) ?? ids[0] ?? "";
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
          isLoading={!agentId && agents.isPending}
          error={agentId ? null : agents.error}
          onAgent={choose}
          onAbandon={() => setGeneration((now) => now + 1)}
        />
      </ConversationProvider>
    </Page>
  );
}
