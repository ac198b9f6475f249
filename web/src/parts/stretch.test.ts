import { decode, encode } from "fast-png";
import { expect, test } from "vitest";

import { stretched } from "./stretch";

function file(depth: 8 | 16, values: number[]): File {
  const data = depth === 16 ? Uint16Array.from(values) : Uint8Array.from(values);
  const png = encode({ width: values.length, height: 1, channels: 1, data, depth });
  return new File([new Uint8Array(png)], "a.png");
}

test("the values between the percentiles are spread, and others are black and white", async () => {
  const made = await stretched(file(16, [0, ...Array.from({ length: 199 }, (_, n) => 1000 + 10 * n), 65535]));
  const { data, depth } = decode(await made!.arrayBuffer());
  expect(depth).toBe(8);
  expect([data[0], data[1], data[199], data[200]]).toEqual([0, 0, 255, 255]);
  expect(data[100]).toBeGreaterThan(120);
  expect(data[100]).toBeLessThan(135);
});

test("an 8-bit photo stays as it is", async () => {
  expect(await stretched(file(8, [1, 2, 3]))).toBe(null);
});
