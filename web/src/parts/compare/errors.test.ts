import { beforeAll, describe, expect, test } from "vitest";

import { errors } from "./errors";

beforeAll(() => {
  globalThis.ImageData ??= class {
    data: Uint8ClampedArray;
    constructor(
      readonly width: number,
      readonly height: number,
    ) {
      this.data = new Uint8ClampedArray(width * height * 4);
    }
  } as unknown as typeof ImageData;
});

describe("errors", () => {
  const map = (...ids: number[]) => ({ width: 2, height: 2, ids: new Uint8Array(ids) });

  test("counts labelled pixels alone, and shows right ones clear", () => {
    const found = errors(map(0, 1, 255, 1), map(0, 2, 0, 1), 255)!;
    expect([found.wrong, found.labelled]).toEqual([1, 3]);
    const opaque = [...found.picture.data].filter((_, index) => index % 4 === 3).map((alpha) => alpha > 0);
    expect(opaque).toEqual([false, true, true, false]);
  });

  test("of another size are none", () => {
    expect(errors(map(0, 0, 0, 0), { width: 4, height: 1, ids: new Uint8Array(4) }, 255)).toBeNull();
  });
});
