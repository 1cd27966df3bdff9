import { Button } from "@mantine/core";
import { IconMapOff } from "@tabler/icons-react";
import { Link } from "react-router";

import { EmptyState } from "@/parts/EmptyState";
import { Page } from "@/parts/Page";

export function NotFound() {
  return (
    <Page title="No such page">
      <EmptyState
        icon={IconMapOff}
        title="Nothing is at this address"
        text="It may have been deleted, or the link is incomplete."
        action={
          <Button component={Link} to="/">
            To the overview
          </Button>
        }
      />
    </Page>
  );
}
