import { expect, test } from "vitest";

import { timed } from "../words/numbers";
import { logTicks, spread, TIMES } from "./ticks";

test("a logarithmic scale has few ticks, and each of them once", () => {
  expect(logTicks(0.2, 100)).toEqual([0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]);
  expect(logTicks(0.00001, 10)).toEqual([1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10]);
});

test("a scale shows no value that cannot be", () => {
  expect(spread(0.4, 1, 0.1, [0, 1])[1]).toBe(1);
  expect(spread(0, 0.02, 0.1, [0, 1])[0]).toBe(0);
  expect(spread(0.4, 1, 0.1, [-Infinity, Infinity])[1]).toBeGreaterThan(1);
});

test("ticks of a time are told apart, and are whole seconds, minutes or hours", () => {
  for (const step of TIMES) {
    const ticks = timed([0, 1, 2, 3, 4, 5].map((tick) => tick * step));
    expect(new Set(ticks).size).toBe(6);
    for (const tick of ticks) expect(tick).toMatch(/^[\d,]+ (s|min|h)$/);
  }
  expect([[48], [120], [5400], [7200]].flatMap(timed)).toEqual(["48 s", "2 min", "90 min", "2 h"]);
});

test("a scale of time has one unit", () => {
  expect(timed([120, 130, 140])).toEqual(["120 s", "130 s", "140 s"]);
  expect(timed([0, 1800, 3600])).toEqual(["0 min", "30 min", "60 min"]);
});
