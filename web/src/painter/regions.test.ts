import fc from "fast-check";
import { expect, test } from "vitest";

import { pixelsOf, region, regions } from "./regions";

const [width, height] = [12, 9];
const ids = fc.uint8Array({ minLength: width * height, maxLength: width * height, min: 0, max: 2 });

function connected(map: Uint8Array, from: number): Set<number> {
  const found = new Set([from]);
  for (const at of found) {
    const [x, y] = [at % width, Math.floor(at / width)];
    const beside = [
      x > 0 && at - 1,
      x + 1 < width && at + 1,
      y > 0 && at - width,
      y + 1 < height && at + width,
    ];
    for (const next of beside) if (next !== false && map[next] === map[from]) found.add(next);
  }
  return found;
}

test("a region is what a plain search from pixel to pixel finds", () => {
  fc.assert(
    fc.property(ids, fc.nat(width * height - 1), (map, at) => {
      const spans = region({ width, height, ids: map }, at % width, Math.floor(at / width));
      const found = spans.flatMap(({ row, start, end }) =>
        Array.from({ length: end - start }, (_, index) => row * width + start + index),
      );
      expect(found).toHaveLength(new Set(found).size);
      expect(new Set(found)).toEqual(connected(map, at));
    }),
  );
});

test("the regions of a class hold all its pixels once", () => {
  fc.assert(
    fc.property(ids, (map) => {
      const found = regions({ width, height, ids: map }, 1).map(pixelsOf);
      expect(found.reduce((sum, pixels) => sum + pixels, 0)).toBe(map.filter((id) => id === 1).length);
    }),
  );
});
