import { describe, expect, it } from "vitest";

import { refreshed } from "./newest";

interface Page {
  rows: { id: number; state?: string }[];
  next: string | null;
}

const page = (ids: number[], next: string | null): Page => ({ rows: ids.map((id) => ({ id })), next });

const after = (pages: Page[], fresh: Page) =>
  refreshed(
    pages,
    fresh,
    ({ rows }) => rows,
    (one, rows) => ({ ...one, rows: [...rows] }),
    ({ id }) => id,
  );

const ids = (pages: Page[]) => pages.map(({ rows }) => rows.map(({ id }) => id));

describe("a list whose first page was read again", () => {
  const loaded = [page([9, 8, 7], "a"), page([6, 5, 4], "b")];

  it("is that page, while no other is loaded", () => {
    expect(after([page([3, 2, 1], "a")], page([4, 3, 2], "c"))).toEqual([page([4, 3, 2], "c")]);
  });

  it("keeps what newer rows have pushed down, and where it leads on", () => {
    const next = after(loaded, page([11, 10, 9], "c"));
    expect(ids(next)).toEqual([
      [11, 10, 9, 8, 7],
      [6, 5, 4],
    ]);
    expect(next.map((one) => one.next)).toEqual(["a", "b"]);
  });

  it("drops what was deleted, and no row is in it twice", () => {
    expect(ids(after(loaded, page([9, 7, 6], "c")))).toEqual([
      [9, 7, 6],
      [5, 4],
    ]);
  });

  it("shows rows as they are now", () => {
    const fresh = { ...page([9, 8, 7], "a"), rows: [{ id: 9, state: "done" }, { id: 8 }, { id: 7 }] };
    expect(after(loaded, fresh)[0]?.rows[0]).toEqual({ id: 9, state: "done" });
  });

  it("begins anew when more has come than a page shows", () => {
    expect(ids(after(loaded, page([30, 29, 28], "c")))).toEqual([[30, 29, 28]]);
  });
});
