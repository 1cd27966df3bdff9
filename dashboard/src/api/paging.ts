import { useInfiniteQuery } from "@tanstack/react-query";

import { api, type Query } from "./client";

interface PageOf {
  next_cursor?: string | null;
  has_more?: boolean;
}

export interface Listed<T> {
  items: T[];
  error: Error | null;
  isPending: boolean;
  hasMore: boolean;
  isLoadingMore: boolean;
  loadMore: () => void;
  refetch: () => void;
}

/**
 * A list that the server gives page by page (`items` is the name of its list in the answer, `cursor` and `next_cursor`
 * lead on). The query key is the path with the query, so changing a filter begins a new list.
 */
export function useListed<T>(
  path: string,
  items: string,
  query: Query = {},
  options: { refetchInterval?: number; enabled?: boolean } = {},
): Listed<T> {
  const result = useInfiniteQuery({
    queryKey: [path, query],
    queryFn: ({ pageParam, signal }) =>
      api.get<PageOf & Record<string, T[]>>(path, { ...query, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => (page.has_more === false ? undefined : (page.next_cursor ?? undefined)),
    ...options,
  });
  return {
    items: (result.data?.pages ?? []).flatMap((page) => page[items] ?? []),
    error: result.error,
    isPending: result.isPending,
    hasMore: result.hasNextPage,
    isLoadingMore: result.isFetchingNextPage,
    loadMore: () => void result.fetchNextPage(),
    refetch: () => void result.refetch(),
  };
}
