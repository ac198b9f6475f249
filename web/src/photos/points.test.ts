import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { draw, fitted, inside, nearest, type Points } from "./points";

const places = fc
  .array(
    fc.tuple(fc.float({ min: -99, max: 99, noNaN: true }), fc.float({ min: -99, max: 99, noNaN: true })),
    {
      minLength: 1,
      maxLength: 40,
    },
  )
  .map((pairs): Points => ({
    x: Float32Array.from(pairs, ([x]) => x),
    y: Float32Array.from(pairs, ([, y]) => y),
  }));

describe("points", () => {
  test("are inside the picture, and keep the ratio of their distances", () => {
    fc.assert(
      fc.property(places, (points) => {
        const on = fitted(points, 300, 200, 10);
        for (let n = 0; n < on.x.length; n++) {
          expect(on.x[n]).toBeGreaterThanOrEqual(9.9);
          expect(on.x[n]).toBeLessThanOrEqual(290.1);
          expect(on.y[n]).toBeGreaterThanOrEqual(9.9);
          expect(on.y[n]).toBeLessThanOrEqual(190.1);
        }
        const apart = (of: Points, n: number) => Math.hypot(of.x[n]! - of.x[0]!, of.y[n]! - of.y[0]!);
        const [first, last] = [1, on.x.length - 1].map((n) =>
          n > 0 ? [apart(points, n), apart(on, n)] : null,
        );
        if (first && last && first[0]! > 1 && last[0]! > 1)
          expect(first[1]! / first[0]!).toBeCloseTo(last[1]! / last[0]!, 1);
      }),
    );
  });

  test("are inside a rectangle if their coordinates say so", () => {
    fc.assert(
      fc.property(places, (points) => {
        const lasso = Float32Array.of(-50.5, -20.5, 30.5, -20.5, 30.5, 60.5, -50.5, 60.5);
        const expected = [...points.x.keys()].filter(
          (n) => points.x[n]! > -50.5 && points.x[n]! < 30.5 && points.y[n]! > -20.5 && points.y[n]! < 60.5,
        );
        expect(inside(points, lasso)).toEqual(expected);
      }),
    );
  });

  test("in the notch of a lasso are outside", () => {
    const points = { x: Float32Array.of(5, 5), y: Float32Array.of(2, 8) };
    expect(inside(points, Float32Array.of(0, 0, 10, 0, 10, 10, 5, 5, 0, 10))).toEqual([0]);
  });

  test("are found by their neighbourhood", () => {
    fc.assert(
      fc.property(places, fc.integer({ min: -99, max: 99 }), (points, x) => {
        const found = nearest(points, x, 0, 1000);
        const apart = [...points.x.keys()].map((n) => Math.hypot(points.x[n]! - x, points.y[n]!));
        expect(apart[found]).toBeCloseTo(Math.min(...apart), 3);
        expect(nearest(points, 5000, 0, 10)).toBe(-1);
      }),
    );
  });

  test("are drawn with the selected ones on top and larger", () => {
    const pixels = new Uint32Array(81);
    const points = { x: Float32Array.of(4.5, 4.5), y: Float32Array.of(4.5, 4.5) };
    draw(pixels, 9, points, Uint32Array.of(7, 8), 1, Uint8Array.of(1, 0));
    expect(pixels.filter((pixel) => pixel === 7).length).toBe(9);
    expect(pixels.filter((pixel) => pixel === 8).length).toBe(0);
  });
});
