import { Menu } from "@mantine/core";
import { IconPencil, IconRefresh } from "@tabler/icons-react";

import { type ApiKey, isOwn, useKeyActions } from "@/api/keys";
import { confirm, done, failed } from "@/parts/notices";
import { RowMenu } from "@/parts/RowMenu";

interface Props {
  apiKey: ApiKey;
  /** There is no other key. */
  isLast: boolean;
  edit: () => void;
  rotate: () => void;
}

/** What can be done with one key. */
export function KeyMenu({ apiKey: key, isLast, edit, rotate }: Props) {
  const { remove } = useKeyActions();
  const after = isLast
    ? " It is the last one: a server that listens on this machine only asks nobody for a key then; any other lets nobody in."
    : isOwn(key)
      ? " This page uses it, and will ask for another one."
      : "";
  const ask = () =>
    confirm(
      `Delete the key “${key.name}”?`,
      `It opens nothing any more, nor do the signed URLs that it made. Conversations that run are not cut.${after}`,
      "Delete the key",
      () =>
        remove.mutate(key, {
          onSuccess: () => done(`The key “${key.name}” is deleted.`),
          onError: (error) => failed(error),
        }),
    );
  return (
    <RowMenu name={key.name} erase={ask}>
      <Menu.Item leftSection={<IconPencil size={16} />} onClick={edit}>
        Edit…
      </Menu.Item>
      <Menu.Item leftSection={<IconRefresh size={16} />} onClick={rotate} disabled={key.replaced_by !== null}>
        Rotate…
      </Menu.Item>
    </RowMenu>
  );
}
