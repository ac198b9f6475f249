// Work on many things, a few at a time.

const AT_ONCE = 4;

/**
 * Do `act` with each of the items, a few at a time. When one throws, no further one is begun; when those that are
 * under way have ended, that error is thrown.
 */
export async function each<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  act: (item: Item) => Promise<unknown>,
): Promise<void> {
  const left = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const errors: unknown[] = [];
  const worker = async () => {
    try {
      while (errors.length === 0) {
        const next = await left.next();
        if (next.done) return;
        await act(next.value);
      }
    } catch (error) {
      errors.push(error);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (errors.length) throw errors[0];
}
