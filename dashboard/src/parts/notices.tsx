import { Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import type { ReactNode } from "react";

/** Say in a corner that something was done. */
export const done = (message: string) => notifications.show({ message, color: "teal" });

/** Say in a corner that something did not work, and why. */
export const failed = (error: unknown, title = "That did not work") =>
  notifications.show({
    title,
    message: error instanceof Error ? error.message : String(error),
    color: "red",
    autoClose: 8000,
  });

/** Ask before something is done that cannot be undone. */
export const confirm = (title: string, text: ReactNode, verb: string, act: () => void) =>
  modals.openConfirmModal({
    title,
    children: (
      <Text size="sm" component="div">
        {text}
      </Text>
    ),
    labels: { confirm: verb, cancel: "Cancel" },
    confirmProps: { color: "red" },
    onConfirm: act,
  });
