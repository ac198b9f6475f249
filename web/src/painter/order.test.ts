import { expect, test } from "vitest";

import { following, joined } from "./order";

const picks = ["a", "b", "c", "d"].map((image_id) => ({ image_id, name: `${image_id}.jpg` }));
const every = () => true;
const next = (current: string | undefined, isFree: (image: string) => boolean = every) =>
  following(picks, current, isFree)?.image_id;

test("photos follow each other in their order, and the first comes after the last", () => {
  expect([undefined, "a", "c", "d"].map((current) => next(current))).toEqual(["a", "b", "d", "a"]);
});

test("a photo that is passed over comes again after the others", () => {
  const done = new Set(["a", "c"]);
  const isFree = (image: string) => !done.has(image);
  expect(next("b", isFree)).toBe("d");
  expect(next("d", isFree)).toBe("b");
});

test("a photo from elsewhere is followed by the first, and the last free one by none", () => {
  expect(next("z")).toBe("a");
  expect(next("b", (image) => image === "b")).toBe(undefined);
});

test("the photos of the first list come first, and none comes twice", () => {
  expect(joined([picks[2]!, picks[0]!], picks).map(({ image_id }) => image_id)).toEqual(["c", "a", "b", "d"]);
});
