import { expect, test } from "vitest";

import { figure, lasting } from "./numbers";

test("a time has the unit in which people think of it", () => {
  expect([30, 600, 7200, 7 * 24 * 3600].map(lasting)).toEqual(["30 s", "10 min", "2.0 h", "7 days"]);
});

test("a number of any size is short", () => {
  expect([0, 1, -0.25, 0.001, 99999.4, 0.333333].map(figure)).toEqual([
    "0",
    "1",
    "−0.25",
    "0.001",
    "100000",
    "0.333",
  ]);
  expect([0.000001, 0.00012345, -2e-7, 3.2e9].map(figure)).toEqual(["1e−6", "1.23e−4", "−2e−7", "3.2e9"]);
});
