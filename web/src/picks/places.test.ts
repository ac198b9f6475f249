import { expect, test } from "vitest";

import { inPlace, type Pick } from "./places";

function picks(...images: string[]): Pick[] {
  return images.map((image_id, n) => ({ image_id, rank: n + 1 }) as Pick);
}

function images(before: Pick[], now: Pick[], labelled: string[] = []): string {
  return inPlace(before, now, new Set(labelled))
    .map(({ image_id }) => image_id)
    .join("");
}

test("another photo stands in the place of what was skipped, and all others keep theirs", () => {
  expect(images(picks("a", "b", "c", "d"), picks("d", "a", "c", "e"))).toBe("aecd");
});

test("a labelled photo stays in its place, though it is picked no more", () => {
  expect(images(picks("a", "b", "c"), picks("c", "e"), ["a"])).toBe("aec");
});

test("what is picked beyond them stands behind them", () => {
  expect(images(picks("a", "b"), picks("c", "b", "d", "a"))).toBe("abcd");
});

test("where no other photo is left, the others move up", () => {
  expect(images(picks("a", "b", "c"), picks("c", "a"))).toBe("ac");
});

test("a pick that was kept has the rank of now", () => {
  expect(inPlace(picks("a", "b"), picks("b", "a"), new Set()).map(({ rank }) => rank)).toEqual([2, 1]);
});

test("without picks of before, they stand by their ranks", () => {
  expect(images([], picks("c", "a", "b"))).toBe("cab");
});
