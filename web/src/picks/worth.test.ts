import { expect, test } from "vitest";

import type { Explanation } from "./question";
import { asManyAtRandom } from "./worth";

const curve = [1, 2, 3, 4].map((budget) => ({
  budget,
  mean_distance: 10 - 2 * budget,
  random_mean: 10 - budget,
  random_low: 0,
  random_high: 9,
  minutes: null,
})) as Explanation["curve"];

test("as many random photos as it takes to come as near", () => {
  expect(asManyAtRandom(curve, 1)).toBe(2);
  expect(asManyAtRandom(curve, 2)).toBe(4);
  expect(asManyAtRandom(curve, 3)).toBe(null);
  expect(asManyAtRandom(curve, 9)).toBe(null);
});
