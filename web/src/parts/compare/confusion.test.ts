import { expect, test } from "vitest";

import { mixups } from "./confusion";

test("what loses most of its class comes first, however small the class is", () => {
  const found = mixups([
    [900, 100, 0],
    [0, 50, 0],
    [3, 0, 1],
  ]);
  expect(found).toEqual([
    { truth: 2, predicted: 0, count: 3, share: 0.75 },
    { truth: 0, predicted: 1, count: 100, share: 0.1 },
  ]);
});
