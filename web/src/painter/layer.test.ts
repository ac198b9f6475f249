import fc from "fast-check";
import { expect, test } from "vitest";

import { type Box, revert } from "./label-map";
import { accept, acceptRegion, doubtful, doubtLimit, type Layer } from "./layer";

const [width, height, none] = [12, 9, 255];
const classes = fc.constantFrom(0, 1, 2, none);
const pixels = fc.array(classes, { minLength: width * height, maxLength: width * height });
const doubts = fc.uint8Array({ minLength: width * height, maxLength: width * height });

function layerOf(ids: number[], doubt: Uint8Array | null = null): Layer {
  return { width, height, ids: Uint8Array.from(ids), doubt, source: "strokes" };
}

test("accepting changes unlabelled pixels only, and gives them the suggested class", () => {
  fc.assert(
    fc.property(pixels, pixels, fc.constantFrom(null, 0, 1), (painted, suggested, id) => {
      const map = { width, height, ids: Uint8Array.from(painted) };
      const change = accept(map, layerOf(suggested), id, none);
      const taken = (at: number) => painted[at] === none && (id === null || suggested[at] === id);
      expect([...map.ids]).toEqual(painted.map((each, at) => (taken(at) ? suggested[at] : each)));
      revert(map, change);
      expect([...map.ids]).toEqual(painted);
    }),
  );
});

test("accepting a region takes what is connected with the pixel beneath unlabelled pixels", () => {
  fc.assert(
    fc.property(pixels, pixels, fc.nat(width * height - 1), (painted, suggested, start) => {
      const map = { width, height, ids: Uint8Array.from(painted) };
      acceptRegion(map, layerOf(suggested), start % width, Math.floor(start / width), none);
      const open = (at: number) => painted[at] === none && suggested[at] === suggested[start];
      const found = new Set(open(start) && suggested[start] !== none ? [start] : []);
      for (const at of found) {
        const [x, y] = [at % width, Math.floor(at / width)];
        if (x > 0 && open(at - 1)) found.add(at - 1);
        if (x + 1 < width && open(at + 1)) found.add(at + 1);
        if (y > 0 && open(at - width)) found.add(at - width);
        if (y + 1 < height && open(at + width)) found.add(at + width);
      }
      expect([...map.ids]).toEqual(painted.map((each, at) => (found.has(at) ? suggested[at] : each)));
    }),
  );
});

function held(box: Box): number[] {
  const [rows, columns] = [box.bottom - box.top, box.right - box.left];
  return Array.from(
    { length: rows * columns },
    (_, n) => (box.top + Math.floor(n / columns)) * width + box.left + (n % columns),
  );
}

test("at most a fifth of the pixels, the least sure, are doubtful; places are small, the fullest first", () => {
  fc.assert(
    fc.property(doubts, (doubt) => {
      const layer = layerOf(new Array<number>(width * height).fill(1), doubt);
      const limit = doubtLimit(layer);
      const isDoubtful = [...doubt].map((each) => each >= limit);
      if (limit < 255) expect(isDoubtful.filter(Boolean).length).toBeLessThanOrEqual(width * height * 0.2);
      const map = { width, height, ids: new Uint8Array(width * height).fill(none) };
      const boxes = doubtful(map, layer, none);
      expect(Math.max(0, ...boxes.flatMap((b) => [b.right - b.left, b.bottom - b.top]))).toBeLessThanOrEqual(
        Math.ceil(width / 8),
      );
      const pixels = boxes.map((b) => held(b).filter((at) => isDoubtful[at]).length);
      expect(pixels).toEqual(pixels.toSorted((a, b) => b - a));
      isDoubtful.forEach((is, at) => {
        const [x, y] = [at % width, Math.floor(at / width)];
        if (is)
          expect(boxes.some((b) => b.left <= x && x < b.right && b.top <= y && y < b.bottom)).toBe(true);
      });
    }),
  );
});
