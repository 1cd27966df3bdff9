/** Whether two flat records say the same; what lies in them is compared as JSON. */
function isSame(before: object, after: object): boolean {
  const told = after as Record<string, unknown>;
  return Object.entries(before).every(
    ([name, value]) =>
      Object.is(value, told[name]) ||
      (typeof value === "object" && value !== null && JSON.stringify(value) === JSON.stringify(told[name])),
  );
}

/**
 * A list as it is now, made of the objects that were there before where they have not changed: rows that show them
 * need not be drawn again. If nothing has changed at all, it is the list that was there before.
 */
export function updated<T extends { conversation_id: string }>(
  before: readonly T[],
  after: readonly T[],
): readonly T[] {
  const known = new Map(before.map((one) => [one.conversation_id, one]));
  const next = after.map((one) => {
    const old = known.get(one.conversation_id);
    return old && isSame(old, one) ? old : one;
  });
  return next.length === before.length && next.every((one, index) => one === before[index]) ? before : next;
}
