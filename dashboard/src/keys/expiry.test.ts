import { expect, it } from "vitest";

import { ageOf, dayOf, endOf } from "./expiry";

it("ends keys when they were said to end", () => {
  expect([endOf("", "", 0), endOf("7", "", 0)]).toEqual([null, 604_800]);
  const end = endOf("date", "2030-02-03");
  expect(dayOf(end ?? 0)).toBe("2030-02-03");
  expect(endOf("date", "")).toBeNull();
  expect([ageOf(null), ageOf(1e6, 0), ageOf(1000, 0), ageOf(1, 2)]).toEqual([
    "lasting",
    "lasting",
    "ending",
    "over",
  ]);
});
