import { Button, Group, Modal, Paper, Text, TextInput } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { useEffect, useState } from "react";
import { Link, useBlocker } from "react-router";

import { useAgentActions } from "@/api/agents";
import { counted } from "@/parts/format";
import { done, failed } from "@/parts/notices";

import { changesBetween, sendable } from "./document";
import { useDraft } from "./draft";
import classes from "./Editor.module.css";
import { SECTIONS, sectionShowing } from "./sections";

/** Save, discard, and what asks before unsaved changes are lost. Shown while there are any. */
export function UnsavedBar() {
  const draft = useDraft();
  const { agent, saved, document, changed, isDirty } = draft;
  const { save } = useAgentActions();
  const [told, setTold] = useState("");
  const hasName = typeof document.name === "string" && document.name.trim() !== "";
  const keep = (then?: () => void) => {
    if (!isDirty || save.isPending || !hasName) return;
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
  useHotkeys([["mod+S", () => keep()]], []);
  useBeforeUnload(isDirty);
  const labels = SECTIONS.flatMap(({ sections }) => sections);
  const where = [...new Set(changed.map(sectionShowing))].map(
    (id) => labels.find((section) => section.id === id)?.label ?? id,
  );
  return (
    <>
      {isDirty && (
        <Paper className={classes.bar} role="region" aria-label="Unsaved changes">
          <Group justify="space-between" gap="sm">
            <div>
              <Text size="sm" fw={600}>
                {counted(changed.length, "unsaved change")}
              </Text>
              <Text size="xs" c="dimmed">
                {hasName ? `in ${where.join(", ")}` : "The agent needs a name."}
              </Text>
            </div>
            <Group gap="xs">
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
              <Button variant="default" size="sm" onClick={draft.discard}>
                Discard
              </Button>
              <Button size="sm" loading={save.isPending} disabled={!hasName} onClick={() => keep()}>
                Save
              </Button>
            </Group>
          </Group>
        </Paper>
      )}
      <LeavingQuestion isDirty={isDirty} keep={keep} isSaving={save.isPending} />
    </>
  );
}

/** The browser's own question, when the tab is closed or loaded anew. */
function useBeforeUnload(isDirty: boolean) {
  useEffect(() => {
    if (!isDirty) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [isDirty]);
}

function LeavingQuestion({
  isDirty,
  keep,
  isSaving,
}: {
  isDirty: boolean;
  keep: (then: () => void) => void;
  isSaving: boolean;
}) {
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) => isDirty && currentLocation.pathname !== nextLocation.pathname,
  );
  const isAsking = blocker.state === "blocked";
  return (
    <Modal opened={isAsking} onClose={() => blocker.reset?.()} title="Leave without saving?" size="lg">
      <Text size="sm">The changes of this agent are not saved yet.</Text>
      <Group justify="flex-end" mt="lg" gap="xs">
        <Button variant="default" onClick={() => blocker.reset?.()}>
          Stay
        </Button>
        <Button variant="light" color="red" onClick={() => blocker.proceed?.()}>
          Leave without saving
        </Button>
        <Button loading={isSaving} onClick={() => keep(() => blocker.proceed?.())}>
          Save and leave
        </Button>
      </Group>
    </Modal>
  );
}
