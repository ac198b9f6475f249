import { expect, test } from "vitest";

import { areConstant } from "./lines";

test("losses that change by no more than a hundredth are constant", () => {
  const solved: [number, number][] = [
    [1, 0.2907],
    [2, 0.29],
  ];
  expect(areConstant(new Map([["loss", solved]]))).toBe(true);
  expect(areConstant(new Map([["loss", [...solved, [3, 0.28] as [number, number]]]]))).toBe(false);
});
