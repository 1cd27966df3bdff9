import { Button, Group, Paper, Text } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import type { ComponentProps, ReactNode } from "react";

import { LeavingQuestion } from "./LeavingQuestion";
import classes from "./Unsaved.module.css";

interface Props {
  isDirty: boolean;
  /** How much is not saved: "3 unsaved changes". */
  title: string;
  /** Where it is, or why it cannot be saved. */
  text?: string;
  canSave: boolean;
  isSaving: boolean;
  /** Saves, and calls what it is given when that is done. */
  save: (then?: () => void) => void;
  discard: () => void;
  /** What the changes belong to, in the question before they are lost: "this agent". */
  of: string;
  /** Which ways lead away from them; usually those to another path. */
  isAway?: ComponentProps<typeof LeavingQuestion>["isAway"];
  /** More that can be done with them. */
  children?: ReactNode;
}

/** Save, discard, and what asks before unsaved changes are lost. Shown while there are any. */
export function UnsavedBar({
  isDirty,
  title,
  text,
  canSave,
  isSaving,
  save,
  discard,
  of,
  isAway,
  children,
}: Props) {
  const mayNow = isDirty && canSave && !isSaving;
  useHotkeys([["mod+S", () => mayNow && save()]], []);
  return (
    <>
      {isDirty && (
        <Paper className={classes.bar} role="region" aria-label="Unsaved changes">
          <Group justify="space-between" gap="sm">
            <div>
              <Text size="sm" fw={600}>
                {title}
              </Text>
              {text && (
                <Text size="xs" c="dimmed">
                  {text}
                </Text>
              )}
            </div>
            <Group gap="xs">
              {children}
              <Button variant="default" size="sm" onClick={discard}>
                Discard
              </Button>
              <Button size="sm" loading={isSaving} disabled={!canSave} onClick={() => save()}>
                Save
              </Button>
            </Group>
          </Group>
        </Paper>
      )}
      <LeavingQuestion
        isOpen={isDirty}
        title="Leave without saving?"
        text={`The changes of ${of} are not saved yet.`}
        leave="Leave without saving"
        isAway={isAway}
        keep={canSave ? { label: "Save and leave", isBusy: isSaving, act: save } : undefined}
      />
    </>
  );
}
