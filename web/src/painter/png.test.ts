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

/** Made by Pillow, 5 pixels wide and 3 high: `Image.new(mode, (5, 3))`, `putdata`, `save(file, "PNG", bits=bits)`. */
const BY_PILLOW = {
  "palette, 1 bit": [
    [0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0],
    "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADAQMAAABh+Fe7AAAABlBMVEUA/xEB/hFm68hPAAAADklEQVR4nGMIYGJgYgAAAaIAVSs30AwAAAAASUVORK5CYII=",
  ],
  "palette, 2 bits": [
    [0, 3, 2, 1, 0, 2, 1, 0, 3, 2, 0, 3, 2, 1, 0],
    "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADAgMAAAAmWC1rAAAADFBMVEUA/xEB/hEC/RED/BEeu/6sAAAAEUlEQVR4nGOwZGCc/JbBkgEACNwB9PQPI0YAAAAASUVORK5CYII=",
  ],
  "palette, 4 bits": [
    [0, 7, 14, 5, 12, 6, 13, 4, 11, 2, 12, 3, 10, 1, 8],
    "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADBAMAAACpGNjLAAAAMFBMVEUA/xEB/hEC/RED/BEE+xEF+hEG+REH+BEI9xEJ9hEK9REL9BEM8xEN8hEO8REP8BFlVwUNAAAAFUlEQVR4nGNkv3ebMffeVcbD9+4DACIMBmTRVo5eAAAAAElFTkSuQmCC",
  ],
  "grey, 1 bit": [
    [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1],
    "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADAQAAAABzTfhVAAAADklEQVR4nGMwYDJgOAEAAlYBK4nrR+cAAAAASUVORK5CYII=",
  ],
  "grey, 8 bits": [
    [7, 47, 87, 127, 167, 207, 247, 31, 71, 111, 151, 191, 231, 15, 55],
    "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADCAAAAAB+XZokAAAAG0lEQVR4nGNk19DQ0GA5oaHx4QPLiQ8nND4AAC7TB0H1ZrtmAAAAAElFTkSuQmCC",
  ],
} as const;
const COLOURED =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC";

function bytesOf(base64: string): ArrayBuffer {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer;
}

test.each(Object.entries(BY_PILLOW))("a file of another program is read: %s", (_, [ids, file]) => {
  expect(decoded(bytesOf(file))).toEqual({ width: 5, height: 3, ids: Uint8Array.from(ids) });
});

test("a picture in colours is no label map", () => {
  expect(() => decoded(bytesOf(COLOURED))).toThrow("colours");
});
