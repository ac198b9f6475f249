import fc from "fast-check";
import { expect, test } from "vitest";

import { capsule, outline, type Point, polygon, type Size, snapped, type Span } from "./shapes";

const size: Size = { width: 40, height: 30 };
const point = fc.record({
  x: fc.double({ min: -10, max: 50, noNaN: true }),
  y: fc.double({ min: -10, max: 40, noNaN: true }),
});

function pixels(spans: readonly Span[]): Uint8Array {
  const found = new Uint8Array(size.width * size.height);
  for (const { row, start, end } of spans) {
    for (let column = start; column < end; column++) found[row * size.width + column]++;
  }
  return found;
}

function centre(pixel: number): Point {
  return { x: (pixel % size.width) + 0.5, y: Math.floor(pixel / size.width) + 0.5 };
}

function distance(to: Point, a: Point, b: Point): number {
  const along = { x: b.x - a.x, y: b.y - a.y };
  const square = along.x ** 2 + along.y ** 2;
  const share = square === 0 ? 0 : ((to.x - a.x) * along.x + (to.y - a.y) * along.y) / square;
  const held = Math.min(1, Math.max(0, share));
  return Math.hypot(to.x - a.x - held * along.x, to.y - a.y - held * along.y);
}

test("a capsule holds exactly the pixels whose centres are within the radius of the line", () => {
  fc.assert(
    fc.property(point, point, fc.double({ min: 0.5, max: 20, noNaN: true }), (a, b, radius) => {
      const found = pixels(capsule(a, b, radius, size));
      const expected = found.map((value, at) => {
        const off = distance(centre(at), a, b) - radius;
        return Math.abs(off) < 1e-6 ? value : Number(off < 0);
      });
      expect(found).toEqual(expected);
    }),
  );
});

test("a round brush of diameter 10 paints 80 pixels and one of diameter 1 the pixel under it", () => {
  const area = (at: Point, diameter: number) => {
    const centre = snapped(at, diameter);
    return pixels(capsule(centre, centre, diameter / 2, size)).reduce((sum, value) => sum + value, 0);
  };
  expect(area({ x: 20.2, y: 15.9 }, 10)).toBe(80);
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 39.99, noNaN: true }),
      fc.double({ min: 0, max: 29.99, noNaN: true }),
      (x, y) => {
        const centre = snapped({ x, y }, 1);
        const spans = capsule(centre, centre, 0.5, size);
        expect(spans).toEqual([{ row: Math.floor(y), start: Math.floor(x), end: Math.floor(x) + 1 }]);
      },
    ),
  );
});

test("a polygon holds exactly the pixels whose centres are inside, by the even-odd rule", () => {
  fc.assert(
    fc.property(fc.array(point, { minLength: 3, maxLength: 8 }), (corners) => {
      const found = pixels(polygon(corners, size));
      const expected = found.map((value, pixel) => {
        const { x, y } = centre(pixel);
        let inside = 0;
        for (const [index, a] of corners.entries()) {
          const b = corners[(index + 1) % corners.length];
          if (a.y > y === b.y > y) continue;
          const at = a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x);
          if (Math.abs(at - x) < 1e-6) return value;
          if (x < at) inside ^= 1;
        }
        return inside;
      });
      expect(found).toEqual(expected);
    }),
  );
});

test("two polygons that share an edge share no pixel and leave none out", () => {
  const corner = fc.record({ x: fc.integer({ min: 0, max: 80 }), y: fc.integer({ min: 0, max: 60 }) });
  fc.assert(
    fc.property(corner, corner, (top, bottom) => {
      const cut = [
        { x: top.x / 2, y: 0 },
        { x: bottom.x / 2, y: 30 },
      ];
      const left = polygon([{ x: 0, y: 0 }, cut[0], cut[1], { x: 0, y: 30 }], size);
      const right = polygon([cut[0], { x: 40, y: 0 }, { x: 40, y: 30 }, cut[1]], size);
      expect(pixels([...left, ...right])).toEqual(new Uint8Array(1200).fill(1));
    }),
  );
});

test("the outline of a shape has every edge between its pixels and the others", () => {
  const spans = capsule({ x: 12, y: 12 }, { x: 20, y: 16 }, 4, size);
  const found = pixels(spans);
  const at = (x: number, y: number) => (x >= 0 && x < 40 && y >= 0 && y < 30 ? found[y * 40 + x] : 0);
  let edges = 0;
  for (let y = 0; y <= 30; y++) {
    for (let x = 0; x <= 40; x++)
      edges += Number(at(x, y) !== at(x - 1, y)) + Number(at(x, y) !== at(x, y - 1));
  }
  const length = outline(spans).reduce((sum, [a, b]) => sum + Math.abs(b.x - a.x) + Math.abs(b.y - a.y), 0);
  expect(length).toBe(edges);
});
