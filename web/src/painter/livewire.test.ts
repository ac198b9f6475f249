import fc from "fast-check";
import { expect, test } from "vitest";

import { costs, path } from "./livewire";

const size = { width: 9, height: 7 };
const cost = fc.uint8Array({ minLength: 63, maxLength: 63, min: 1, max: 64 });

/** The smallest sums from one pixel to all, by relaxing every step until nothing changes. */
function sums(cost: Uint8Array, from: number): Float64Array {
  const found = new Float64Array(63).fill(Infinity);
  found[from] = 0;
  for (let changed = true; changed;) {
    changed = false;
    for (let at = 0; at < 63; at++) {
      for (let to = 0; to < 63; to++) {
        const [dx, dy] = [Math.abs((at % 9) - (to % 9)), Math.abs(Math.floor(at / 9) - Math.floor(to / 9))];
        if (Math.max(dx, dy) !== 1) continue;
        const sum = found[at] + cost[to] * Math.hypot(dx, dy);
        if (sum < found[to] - 1e-9) [found[to], changed] = [sum, true];
      }
    }
  }
  return found;
}

test("a path goes from neighbour to neighbour and costs as little as any", () => {
  fc.assert(
    fc.property(cost, fc.nat(62), fc.nat(62), (cost, from, to) => {
      const found = path(cost, size, from, to);
      expect([found[0], found[found.length - 1]]).toEqual([from, to]);
      let sum = 0;
      for (let index = 1; index < found.length; index++) {
        const [a, b] = [found[index - 1], found[index]];
        const [dx, dy] = [Math.abs((a % 9) - (b % 9)), Math.abs(Math.floor(a / 9) - Math.floor(b / 9))];
        expect(Math.max(dx, dy)).toBe(1);
        sum += cost[b] * Math.hypot(dx, dy);
      }
      expect(sum).toBeCloseTo(sums(cost, from)[to], 6);
    }),
    { numRuns: 60 },
  );
});

test("it follows an edge of the photo rather than the straight line", () => {
  const [width, height] = [60, 60];
  const inside = (at: number) => Math.hypot((at % width) - 30, Math.floor(at / width) - 30) < 20;
  const rgba = Uint8ClampedArray.from({ length: width * height * 4 }, (_, at) =>
    inside(at >> 2) ? 220 : 30,
  );
  const found = path(costs(rgba, { width, height }), { width, height }, 30 * width + 10, 30 * width + 50);
  const off = found.map((at) => Math.abs(Math.hypot((at % width) - 30, Math.floor(at / width) - 30) - 20));
  expect(Math.max(...off)).toBeLessThan(2.5);
});
