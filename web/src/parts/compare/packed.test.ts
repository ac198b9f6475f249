import { unzipSync } from "fflate";
import { expect, test } from "vitest";

import { Packed, targets } from "./packed";

test("translations have the names of their photos, and no two the same", () => {
  expect(targets(["day/a.jpg", "day/b.jpg", "day/b.png", "v1.2/c"])).toEqual([
    "day/a.png",
    "day/b.jpg.png",
    "day/b.png.png",
    "v1.2/c.png",
  ]);
});

test("a zip gives back the files that were packed", async () => {
  const packed = new Packed();
  const files = { "a.png": Uint8Array.of(1, 2, 3), "day/b.png": new Uint8Array(100_000).fill(7) };
  for (const [name, content] of Object.entries(files)) packed.add(name, content);
  expect(unzipSync(new Uint8Array(await packed.whole().arrayBuffer()))).toEqual(files);
});
