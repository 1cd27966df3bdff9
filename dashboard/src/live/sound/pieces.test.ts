import { expect, it } from "vitest";

import { fromBase64, START_SECONDS, startOf, toBase64 } from "./pieces";

it("reads what it writes", () => {
  const samples = Int16Array.from({ length: 9000 }, (_, index) => ((index * 7919) % 65536) - 32768);
  const read = fromBase64(toBase64(samples.buffer));
  expect([...read.map((value) => value * 32768)]).toEqual([...samples]);
});

it("plays pieces one after the other, and begins anew after a gap", () => {
  expect(startOf(5.2, 5)).toBe(5.2);
  expect(startOf(4, 5)).toBe(5 + START_SECONDS);
  expect(startOf(0, 5)).toBe(5 + START_SECONDS);
});
