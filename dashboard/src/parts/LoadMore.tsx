import { Button, Center } from "@mantine/core";

import type { Listed } from "@/api/paging";

/** Under a list: the button for the next page, nothing when there is none. */
export function LoadMore({ list }: { list: Listed<unknown> }) {
  if (!list.hasMore) return null;
  return (
    <Center>
      <Button variant="default" loading={list.isLoadingMore} onClick={list.loadMore}>
        Show more
      </Button>
    </Center>
  );
}
