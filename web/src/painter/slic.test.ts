import fc from "fast-check";
import { expect, test } from "vitest";

import { SegmentMap } from "./segments";
import { slic } from "./slic";

/** A photo of two colours with noise, as RGBA. */
function photo(width: number, height: number, border: number, seed: number): Uint8ClampedArray {
  let state = seed + 1;
  const noise = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return Uint8ClampedArray.from({ length: width * height * 4 }, (_, at) => {
    if (at % 4 === 3) return 255;
    const isLeft = (at >> 2) % width < border;
    return (isLeft ? [40, 90, 200] : [200, 160, 50])[at % 4] + noise() * 30;
  });
}

function connected(ids: Int32Array, width: number): boolean {
  const [seen, finished] = [new Uint8Array(ids.length), new Set<number>()];
  for (let start = 0; start < ids.length; start++) {
    if (seen[start]) continue;
    if (finished.has(ids[start])) return false;
    finished.add(ids[start]);
    const open = [start];
    seen[start] = 1;
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const x = at % width;
      for (const to of [x > 0 ? at - 1 : -1, x + 1 < width ? at + 1 : -1, at - width, at + width]) {
        if (to < 0 || to >= ids.length || seen[to] || ids[to] !== ids[start]) continue;
        seen[to] = 1;
        open.push(to);
      }
    }
  }
  return true;
}

const cases = fc.record({
  width: fc.integer({ min: 1, max: 50 }),
  height: fc.integer({ min: 1, max: 40 }),
  wanted: fc.integer({ min: 1, max: 60 }),
  seed: fc.nat(1000),
});

test("every pixel is in a segment, every segment is connected, and a photo always has the same ones", () => {
  fc.assert(
    fc.property(cases, ({ width, height, wanted, seed }) => {
      const rgba = photo(width, height, width / 2, seed);
      const found = slic(rgba, { width, height }, wanted);
      expect(found.ids).toHaveLength(width * height);
      expect(new Set(found.ids)).toEqual(new Set(Array.from({ length: found.count }, (_, id) => id)));
      expect(connected(found.ids, width)).toBe(true);
      expect(slic(rgba, { width, height }, wanted).ids).toEqual(found.ids);
    }),
    { numRuns: 25 },
  );
});

test("there are about as many as wanted, and they keep to the border between two colours", () => {
  const [width, height, border] = [300, 200, 137];
  const found = slic(photo(width, height, border, 7), { width, height }, 2400);
  expect(found.count).toBeGreaterThan(2000);
  const sides = Array.from({ length: found.count }, () => [0, 0]);
  found.ids.forEach((id, at) => sides[id][Number(at % width < border)]++);
  const wrong = sides.reduce((sum, side) => sum + Math.min(...side), 0);
  expect(wrong / (width * height)).toBeLessThan(0.002);
});

test("the spans of all segments hold every pixel of a larger photo once, also by the point under it", () => {
  fc.assert(
    fc.property(cases, fc.double({ min: 1, max: 5, noNaN: true }), ({ width, height, wanted }, scale) => {
      const size = { width: Math.floor(width * scale), height: Math.floor(height * scale) };
      const map = new SegmentMap(slic(photo(width, height, 3, 1), { width, height }, wanted), size);
      let other = 0;
      const times = new Uint8Array(size.width * size.height);
      for (let segment = 0; segment < map.count; segment++) {
        for (const { row, start, end } of map.spans(segment)) {
          for (let column = start; column < end; column++) {
            times[row * size.width + column]++;
            if (map.at({ x: column + 0.5, y: row + 0.5 }) !== segment) other++;
          }
        }
      }
      expect(times.every((each) => each === 1)).toBe(true);
      expect(other).toBe(0);
    }),
    { numRuns: 12 },
  );
});

test("going from segment to segment to the right comes to the right side of the photo", () => {
  const size = { width: 40, height: 30 };
  const map = new SegmentMap(slic(photo(40, 30, 20, 3), size, 40), size);
  let segment = map.at({ x: 0.5, y: 15 });
  for (let steps = 0; steps < 40; steps++) {
    const next = map.beside(segment, 1, 0);
    if (next === segment) break;
    segment = next;
  }
  expect(map.spans(segment).some(({ end }) => end === 40)).toBe(true);
});
