import { expect, test } from "vitest";

import { nextOf } from "./next";

function split(images: number, annotated: number) {
  return { images, annotated, embedded: images };
}

test("the way goes from picks over pairs, a training and its score back to picks", () => {
  const ways = [
    nextOf({ train: split(0, 0), test: split(9, 9) }, null, false, true),
    nextOf({ train: split(50, 0), test: split(9, 9) }, null, false, false),
    nextOf({ train: split(50, 0), test: split(9, 9) }, null, false, true),
    nextOf({ train: split(50, 2), test: split(9, 9) }, null, false, true),
    nextOf({ train: split(50, 3), test: split(9, 9) }, null, false, true),
    nextOf({ train: split(50, 3), test: split(9, 9) }, null, true, true),
    nextOf({ train: split(50, 9), test: split(9, 9) }, { pairs: 3, isScored: false }, false, true),
    nextOf({ train: split(50, 9), test: split(9, 9) }, { pairs: 3, isScored: true }, false, true),
    nextOf({ train: split(50, 9), test: split(9, 9) }, { pairs: 9, isScored: true }, false, true),
    nextOf({ train: split(9, 9), test: split(9, 9) }, { pairs: 9, isScored: true }, false, true),
  ];
  expect(ways).toEqual([null, "pick", "label", "label", "train", null, "score", "trainAgain", "more", null]);
});

test("test photos are to be chosen and labelled before more train photos if none is", () => {
  const model = { pairs: 10, isScored: false };
  expect(nextOf({ train: split(50, 10), test: split(9, 0) }, model, false, true)).toBe("test");
  expect(nextOf({ train: split(50, 10), test: split(0, 0) }, model, false, true)).toBe("choose");
});
