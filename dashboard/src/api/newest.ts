/** What a list is after its first page was read again: the newest is on top, what is gone is gone, and no row is twice. */

/**
 * `pages` are those loaded so far, `fresh` is the first page as it is now; rows are told apart by `id`. Rows that newer
 * ones have pushed off the first page stay, after it. Where not one row is known any more, more has come than a page
 * shows: the list begins anew with it.
 */
export function refreshed<T, P>(
  pages: readonly P[],
  fresh: P,
  rowsOf: (page: P) => T[],
  withRows: (page: P, rows: T[]) => P,
  id: (row: T) => unknown,
): P[] {
  const [first, ...rest] = pages;
  if (first === undefined || !rest.length) return [fresh];
  const newest = rowsOf(fresh);
  const known = new Set(newest.map(id));
  const all = pages.flatMap((page) => [...rowsOf(page)]);
  const lastKnown = all.findLastIndex((row) => known.has(id(row)));
  if (lastKnown < 0) return [fresh];
  const below = new Set(all.slice(lastKnown + 1).map(id));
  const staying = (page: P) => rowsOf(page).filter((row) => below.has(id(row)));
  return [
    withRows(first, [...newest, ...staying(first)]),
    ...rest.map((page) => withRows(page, staying(page))),
  ];
}
