import { Button, Group, Modal, Stack } from "@mantine/core";
import type { ReactNode } from "react";

import { Failure } from "@/parts/Failure";

interface Props {
  title: string;
  verb: string;
  isReady: boolean;
  isBusy: boolean;
  error: Error | null;
  close: () => void;
  submit: () => void;
  children: ReactNode;
}

/** A small form in a window: fields, what went wrong, cancel and go. */
export function FormModal({ title, verb, isReady, isBusy, error, close, submit, children }: Props) {
  return (
    <Modal opened onClose={close} title={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Stack>
          {children}
          {error && <Failure error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={isBusy} disabled={!isReady}>
              {verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
