import { type InfiniteData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, type Query } from "./client";
import { refreshed } from "./newest";

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

interface Options<T> {
  enabled?: boolean;
  /** Lists that change by themselves: how often their newest page is read again, and what tells their rows apart. */
  refresh?: { everyMs: number; id: keyof T };
}

/**
 * A list that the server gives page by page (`items` is the name of its list in the answer, `cursor` and `next_cursor`
 * lead on). The query key is the path with the query, so changing a filter begins a new list.
 */
export function useListed<T>(
  path: string,
  items: string,
  query: Query = {},
  { enabled = true, refresh }: Options<T> = {},
): Listed<T> {
  type Page = PageOf & Record<string, T[]>;
  const read = (cursor: string | undefined, signal: AbortSignal) =>
    api.get<Page>(path, { ...query, cursor }, signal);
  const result = useInfiniteQuery({
    queryKey: [path, query],
    queryFn: ({ pageParam, signal }) => read(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => (page.has_more === false ? undefined : (page.next_cursor ?? undefined)),
    enabled,
    // All loaded pages would be read again.
    refetchOnWindowFocus: !refresh,
  });
  const queries = useQueryClient();
  const newest = useQuery({
    queryKey: ["newest", path, query],
    queryFn: async ({ signal }) => {
      const fresh = await read(undefined, signal);
      queries.setQueryData<InfiniteData<Page, string | undefined>>([path, query], (old) => {
        if (!old) return old;
        const pages = refreshed<T, Page>(
          old.pages,
          fresh,
          (page) => page[items] ?? [],
          (page, rows) => ({ ...page, [items]: rows }),
          (row) => refresh && row[refresh.id],
        );
        return { pages, pageParams: old.pageParams.slice(0, pages.length) };
      });
      return Date.now();
    },
    enabled: enabled && Boolean(refresh) && result.isSuccess && !result.isFetching,
    // The list itself has just been read: the first time is after the first pause.
    initialData: 0,
    staleTime: Infinity,
    refetchInterval: refresh?.everyMs,
  });
  return {
    items: (result.data?.pages ?? []).flatMap((page) => page[items] ?? []),
    error: result.error ?? newest.error,
    isPending: result.isPending,
    hasMore: result.hasNextPage,
    isLoadingMore: result.isFetchingNextPage,
    loadMore: () => void result.fetchNextPage(),
    refetch: () => {
      void result.refetch();
      if (newest.error) void newest.refetch();
    },
  };
}
