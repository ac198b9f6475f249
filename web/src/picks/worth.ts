// What picks are worth, beside photos drawn at random.

import type { Explanation } from "./question";

/**
 * How many photos drawn at random cover the pool as well as the first `budget` picks do; null if more than the
 * curve knows.
 */
export function asManyAtRandom(curve: Explanation["curve"], budget: number): number | null {
  const reached = curve.find((point) => point.budget === budget)?.mean_distance;
  if (reached === undefined) return null;
  return curve.find((point) => point.random_mean <= reached)?.budget ?? null;
}
