import fc from "fast-check";
import { expect, test } from "vitest";

import { absorbed, smoothed } from "./cleanup";
import { revert } from "./label-map";

const [width, height] = [12, 9];
const ids = fc.uint8Array({ minLength: width * height, maxLength: width * height, min: 0, max: 2 });

/** The pixels that are connected with one by their sides and have its class. */
function connected(map: Uint8Array, from: number): Set<number> {
  const found = new Set([from]);
  for (const at of found) {
    for (const next of beside(at)) if (map[next] === map[from]) found.add(next);
  }
  return found;
}

function beside(at: number): number[] {
  const [x, y] = [at % width, Math.floor(at / width)];
  return [
    ...(x > 0 ? [at - 1] : []),
    ...(x + 1 < width ? [at + 1] : []),
    ...(y > 0 ? [at - width] : []),
    ...(y + 1 < height ? [at + width] : []),
  ];
}

test("slivers get the class of a nearest labelled pixel, and larger regions stay", () => {
  fc.assert(
    fc.property(ids, fc.integer({ min: 1, max: 20 }), (map, smaller) => {
      const before = map.slice();
      const change = absorbed({ width, height, ids: map }, 0, smaller, new Set([0]));
      const small = (at: number) => before[at] === 0 && connected(before, at).size < smaller;
      before.forEach((id, at) => {
        if (!small(at) || before.every((each) => each === 0)) return expect(map[at]).toBe(id);
        const steps = (to: number) =>
          Math.abs((to % width) - (at % width)) + Math.abs(Math.floor(to / width) - Math.floor(at / width));
        const labelled = [...before.keys()].filter((to) => before[to] !== 0);
        const nearest = Math.min(...labelled.map(steps));
        expect(labelled.filter((to) => steps(to) === nearest).map((to) => before[to])).toContain(map[at]);
      });
      revert({ width, height, ids: map }, change);
      expect(map).toEqual(before);
    }),
  );
});

test("an island joins what is around it, a hole is filled, and nothing becomes unlabelled", () => {
  const map = new Uint8Array(width * height).fill(1);
  map.fill(0, 0, width); // unlabelled
  [30, 31].forEach((at) => (map[at] = 2));
  map[66] = 2;
  const expected = map.slice().map((id) => (id === 2 ? 1 : id));
  absorbed({ width, height, ids: map }, 0, 4, new Set([1, 2]));
  expect(map).toEqual(expected);
  fc.assert(
    fc.property(ids, (any) => {
      const open = any.filter((id) => id === 0).length;
      absorbed({ width, height, ids: any }, 0, 5, new Set([1, 2]));
      expect(any.filter((id) => id === 0).length).toBe(open);
    }),
  );
});

test("smoothing gives a labelled pixel the class of five of its nine, and no other pixel changes", () => {
  fc.assert(
    fc.property(ids, (map) => {
      const before = map.slice();
      const change = smoothed({ width, height, ids: map }, 0, new Set([1, 2]));
      before.forEach((id, at) => {
        const [x, y] = [at % width, Math.floor(at / width)];
        const inside = x > 0 && y > 0 && x + 1 < width && y + 1 < height;
        const nine = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => before[at + dx + dy * width]));
        const most = [1, 2].find((each) => nine.filter((other) => other === each).length >= 5);
        expect(map[at]).toBe(inside && id !== 0 && most !== undefined ? most : id);
      });
      revert({ width, height, ids: map }, change);
      expect(map).toEqual(before);
    }),
  );
});
