// Where charts have their lines.

/** Steps between ticks of what is counted. */
export const WHOLE = Array.from({ length: 24 }, (_, n) => [1, 2, 5][n % 3]! * 10 ** Math.floor(n / 3));

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
