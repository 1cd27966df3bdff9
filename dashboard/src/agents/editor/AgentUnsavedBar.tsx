import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";

import { useAgentActions } from "@/api/agents";
import { counted } from "@/parts/format";
import { done, failed } from "@/parts/notices";
import { UnsavedBar } from "@/parts/UnsavedBar";

import { changesBetween, sendable } from "./document";
import { useDraft } from "./draft";
import { SECTIONS, sectionShowing } from "./sections";

/** What of the agent is not saved yet, with a note for the list of versions. */
export function AgentUnsavedBar() {
  const draft = useDraft();
  const { agent, saved, document, changed, isDirty } = draft;
  const { save } = useAgentActions();
  const [told, setTold] = useState("");
  const hasName = typeof document.name === "string" && document.name.trim() !== "";
  const keep = (then?: () => void) => {
    const patch = sendable(saved, changesBetween(saved, document));
    save.mutate(
      { agentId: agent.agent_id, patch, told: told.trim() },
      {
        onSuccess: () => {
          setTold("");
          done("Saved. New conversations use it from now on.");
          then?.();
        },
        onError: (error) => failed(error, "Not saved"),
      },
    );
  };
  const labels = SECTIONS.flatMap(({ sections }) => sections);
  const where = [...new Set(changed.map((path) => sectionShowing(path.join("."))))].map(
    (id) => labels.find((section) => section.id === id)?.label ?? id,
  );
  return (
    <UnsavedBar
      isDirty={isDirty}
      title={counted(changed.length, "unsaved change")}
      text={hasName ? `in ${where.join(", ")}` : "The agent needs a name."}
      canSave={hasName}
      isSaving={save.isPending}
      save={keep}
      discard={draft.discard}
      of="this agent"
    >
      <TextInput
        size="sm"
        w={220}
        visibleFrom="md"
        aria-label="What you changed, for the list of versions"
        placeholder="What changed (optional)"
        maxLength={200}
        value={told}
        onChange={(event) => setTold(event.currentTarget.value)}
      />
      <Button component={Link} to={{ search: "?section=changes" }} variant="subtle" size="sm">
        Review
      </Button>
    </UnsavedBar>
  );
}
