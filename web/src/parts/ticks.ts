// Where charts have their lines.

import uPlot from "uplot";

/** Steps between ticks of what is counted. */
export const WHOLE = Array.from({ length: 24 }, (_, n) => [1, 2, 5][n % 3]! * 10 ** Math.floor(n / 3));

/** Steps between ticks of a time in seconds. */
export const TIMES = [
  ...[1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800],
  ...WHOLE.map((hours) => hours * 3600),
];

const DECADES = 3;

/** Ticks of a logarithmic scale: powers of ten, and over few of these twice and five times them too. */
export function logTicks(least: number, most: number): number[] {
  const [first, last] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const times = last - first > DECADES ? [1] : [1, 2, 5];
  const powers = Array.from({ length: last - first + 1 }, (_, n) => first + n);
  return powers
    .flatMap((power) => times.map((each) => Number(`${each}e${power}`)))
    .filter((tick) => tick >= least && tick <= most);
}

/** What a scale shows of these values: at least `span`, and nothing beyond what a value can be. */
export function spread(
  least: number | null,
  most: number | null,
  span: number,
  bounds: readonly [number, number],
): uPlot.Range.MinMax {
  if (least === null || most === null) return [null, null];
  const spare = Math.max(0, span - (most - least)) / 2;
  const [from, to] = uPlot.rangeNum(least - spare, most + spare, 0.1, true);
  return [Math.max(bounds[0], from!), Math.min(bounds[1], to!)];
}
