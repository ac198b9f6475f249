import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";

import { table, drawn } from "./colours";
import {
  closeUp,
  fitted,
  LARGEST_SCALE,
  MARGIN,
  resized,
  SMALLEST_SCALE,
  toImage,
  toScreen,
  zoomed,
} from "./view";

const view = fc.record({
  scale: fc.constantFrom(1 / 16, 0.3, 0.67, 1, 1.25, 2, 7.5, 64),
  x: fc.double({ min: -500, max: 500, noNaN: true }),
  y: fc.double({ min: -500, max: 500, noNaN: true }),
});
const point = fc.record({
  x: fc.double({ min: 0, max: 2000, noNaN: true }),
  y: fc.double({ min: 0, max: 2000, noNaN: true }),
});

test("a point of the screen goes to the image and back", () => {
  fc.assert(
    fc.property(view, point, (at, from) => {
      const back = toScreen(at, toImage(at, from));
      expect(back.x).toBeCloseTo(from.x, 6);
      expect(back.y).toBeCloseTo(from.y, 6);
    }),
  );
});

test("zooming keeps the image point under the pointer, within the smallest and the largest scale", () => {
  fc.assert(
    fc.property(view, point, fc.double({ min: 0.01, max: 100, noNaN: true }), (at, anchor, factor) => {
      const next = zoomed(at, anchor, factor);
      expect(toImage(next, anchor).x).toBeCloseTo(toImage(at, anchor).x, 6);
      expect(next.scale).toBeGreaterThanOrEqual(SMALLEST_SCALE);
      expect(next.scale).toBeLessThanOrEqual(LARGEST_SCALE);
    }),
  );
});

test("a place to look at is in the middle and never shown smaller than with the whole image", () => {
  const [image, screen] = [
    { width: 400, height: 300 },
    { width: 800, height: 600 },
  ];
  const near = closeUp({ left: 100, top: 50, right: 110, bottom: 60 }, image, screen);
  expect(toScreen(near, { x: 105, y: 55 })).toEqual({ x: 400, y: 300 });
  expect(near.scale).toBeGreaterThan(2);
  const large = closeUp({ left: 0, top: 0, right: 390, bottom: 20 }, image, screen);
  expect(large).toEqual(fitted(image, screen, MARGIN));
});

test("a fitted image is wholly on the screen and in its middle, with a margin", () => {
  const at = fitted({ width: 400, height: 100 }, { width: 200 + 2 * MARGIN, height: 200 }, MARGIN);
  expect(at).toEqual({ scale: 0.5, x: MARGIN, y: 75 });
});

test("another size of the screen keeps the zoom and what is in the middle, or the whole image", () => {
  const [image, before, now] = [
    { width: 400, height: 100 },
    { width: 200, height: 200 },
    { width: 320, height: 100 },
  ];
  expect(resized(fitted(image, before, MARGIN), image, before, now)).toEqual(fitted(image, now, MARGIN));
  const near = zoomed(fitted(image, before), { x: 30, y: 90 }, 5);
  const next = resized(near, image, before, now);
  expect(next.scale).toBe(near.scale);
  expect(toImage(next, { x: 160, y: 50 })).toEqual(toImage(near, { x: 100, y: 100 }));
});

beforeAll(() => {
  globalThis.ImageData = class {
    data: Uint8ClampedArray;
    constructor(
      public width: number,
      public height: number,
    ) {
      this.data = new Uint8ClampedArray(width * height * 4);
    }
  } as unknown as typeof ImageData;
});

test("on a suggestion's stripes, where it is unsure, lie lines across them, light ones beside dark ones", () => {
  const [side, class0] = [64, table([[1, 2, 3]])[0]];
  const [light, dark] = [0xffffffff, 0xff000000];
  const of = (value: number) => ({ width: side, height: side, ids: new Uint8Array(side * side).fill(value) });
  const shown = (id: number, doubt: number) => {
    const layer = { ...of(0), doubt: of(doubt).ids, source: "" };
    const looks = { entries: table([[1, 2, 3]]), unlabelled: 255, limit: 128, outlines: false };
    const box = { left: 0, top: 0, right: side, bottom: side };
    return new Uint32Array(
      drawn({ map: of(id), layer, ...looks }, { scale: 1, x: 0, y: 0 }, 1, box).data.buffer,
    );
  };
  expect(new Set(shown(0, 128))).toEqual(new Set([class0]));
  const [sure, unsure] = [shown(255, 127), shown(255, 128)];
  expect(new Set(sure)).toEqual(new Set([0, class0]));
  for (let at = 0; at + side + 1 < side * side; at++) {
    if (at % side === side - 1) continue;
    if (at % side && at >= side) expect(sure[at - side + 1]).toBe(sure[at]);
    if (unsure[at] !== light && unsure[at] !== dark) expect(unsure[at]).toBe(sure[at]);
    else expect(unsure[at + side + 1]).toBe(unsure[at]);
    expect(unsure[at + 1] === dark).toBe(unsure[at] === light);
  }
  for (const line of [0, side - 1])
    expect(unsure.slice(line * side, line * side + 24).filter((pixel) => pixel === light)).toHaveLength(2);
});

test("every device pixel shows the class of the image pixel under its centre, at all ratios", () => {
  const map = { width: 13, height: 7, ids: new Uint8Array(91).map((_, at) => at % 5) };
  const entries = table([0, 1, 2, 3, 4].map((id) => [id + 1, 0, 0] as const));
  const shown = { map, entries, unlabelled: 255, layer: null, limit: 256, outlines: false };
  fc.assert(
    fc.property(view, fc.constantFrom(0.67, 1, 1.5, 2, 3), (at, ratio) => {
      const picture = drawn(shown, at, ratio, { left: 3, top: 2, right: 63, bottom: 42 });
      const found = new Uint32Array(picture.data.buffer).map((entry) => entry & 255);
      const expected = found.map((value, pixel) => {
        const [column, line] = [(pixel % 60) + 3.5, Math.floor(pixel / 60) + 2.5];
        const { x, y } = toImage(at, { x: column / ratio, y: line / ratio });
        if (Math.abs(x - Math.round(x)) < 1e-6 || Math.abs(y - Math.round(y)) < 1e-6) return value;
        const inside = x >= 0 && y >= 0 && x < 13 && y < 7;
        return inside ? map.ids[Math.floor(y) * 13 + Math.floor(x)] + 1 : 0;
      });
      expect(found).toEqual(expected);
    }),
  );
});
