import { decode } from "fast-png";
import fc from "fast-check";
import { expect, test } from "vitest";

import type { Rgb } from "./colours";
import { decoded, encoded } from "./png";

const colours: Rgb[] = [
  [0, 0, 0],
  [200, 10, 20],
  [1, 2, 3],
];

test("a label map that was written and read is the same", async () => {
  const sizes = fc.record({
    width: fc.integer({ min: 1, max: 40 }),
    height: fc.integer({ min: 1, max: 30 }),
  });
  await fc.assert(
    fc.asyncProperty(sizes, fc.infiniteStream(fc.integer({ min: 0, max: 255 })), async (size, values) => {
      const ids = new Uint8Array(size.width * size.height).map(() => values.next().value as number);
      const file = await (await encoded({ ...size, ids }, colours, 255)).arrayBuffer();
      expect(decoded(file)).toEqual({ ...size, ids });
    }),
    { numRuns: 40 },
  );
});

test("another decoder finds the class indices and the colours of the classes", async () => {
  const ids = new Uint8Array([0, 1, 2, 2, 1, 255]);
  const file = decode(await (await encoded({ width: 3, height: 2, ids }, colours, 255)).arrayBuffer());
  expect([...file.data]).toEqual([...ids]);
  expect(file.palette!.slice(0, 3).map((colour) => colour.slice(0, 3))).toEqual(colours);
});
