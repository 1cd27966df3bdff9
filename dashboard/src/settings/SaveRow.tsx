import { Button, Group } from "@mantine/core";

interface Props {
  isChanged: boolean;
  isSaving: boolean;
  save: () => void;
  undo: () => void;
}

/** Under a form: save what was changed, or take it back. */
export function SaveRow({ isChanged, isSaving, save, undo }: Props) {
  return (
    <Group gap="xs">
      <Button onClick={save} disabled={!isChanged} loading={isSaving}>
        Save
      </Button>
      {isChanged && (
        <Button variant="subtle" onClick={undo}>
          Undo
        </Button>
      )}
    </Group>
  );
}
