import { expect, test } from "vitest";

import { each } from "./each";

test("every item is worked on once, of lists and of pages that are fetched meanwhile", async () => {
  async function* pages() {
    for (let page = 0; page < 3; page++) {
      await Promise.resolve();
      yield* [page * 10, page * 10 + 1];
    }
  }
  for (const items of [[0, 1, 10, 11, 20, 21], pages()]) {
    const seen: number[] = [];
    await each(items, async (item) => {
      await Promise.resolve();
      seen.push(item);
    });
    expect(seen.sort((a, b) => a - b)).toEqual([0, 1, 10, 11, 20, 21]);
  }
});

test("an error stops what was not begun, and is thrown when the rest has ended", async () => {
  const [begun, ended]: number[][] = [[], []];
  const done = each(
    Array.from({ length: 50 }, (_, n) => n),
    async (item) => {
      begun.push(item);
      await Promise.resolve();
      if (item === 2) throw new Error("no answer");
      await new Promise((resolve) => setTimeout(resolve));
      ended.push(item);
    },
  );
  await expect(done).rejects.toThrow("no answer");
  expect(begun.length).toBeLessThan(10);
  expect(ended).toEqual(begun.filter((item) => item !== 2));
});
