import { Button, Group, Modal, Text } from "@mantine/core";
import { useEffect } from "react";
import { type Location, useBlocker } from "react-router";

interface Props {
  /** Whether something would be lost now. */
  isOpen: boolean;
  title: string;
  text: string;
  stay?: string;
  leave: string;
  /** The better way out, if there is one: it calls what it is given when nothing can be lost any more. */
  keep?: { label: string; isBusy: boolean; act: (then: () => void) => void };
  /** Which ways lead away; usually those to another path. */
  isAway?: (from: Location, to: Location) => boolean;
}

const isOtherPath = (from: Location, to: Location) => from.pathname !== to.pathname;

/** Asks before a page is left on which something would be lost: by a link, by "back", by closing the tab. */
export function LeavingQuestion(props: Props) {
  const { isOpen, title, text, stay = "Stay", leave, keep, isAway = isOtherPath } = props;
  useBeforeUnload(isOpen);
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) => isOpen && isAway(currentLocation, nextLocation),
  );
  const reset = () => blocker.reset?.();
  const proceed = () => blocker.proceed?.();
  return (
    <Modal opened={blocker.state === "blocked"} onClose={reset} title={title} size="lg">
      <Text size="sm">{text}</Text>
      <Group justify="flex-end" mt="lg" gap="xs">
        <Button variant="default" onClick={reset}>
          {stay}
        </Button>
        <Button variant={keep ? "light" : "filled"} color="red" onClick={proceed}>
          {leave}
        </Button>
        {keep && (
          <Button loading={keep.isBusy} onClick={() => keep.act(proceed)}>
            {keep.label}
          </Button>
        )}
      </Group>
    </Modal>
  );
}

/** The browser's own question, when the tab is closed or loaded anew. */
function useBeforeUnload(isOpen: boolean) {
  useEffect(() => {
    if (!isOpen) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [isOpen]);
}
