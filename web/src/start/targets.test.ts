import { expect, test } from "vitest";

import type { Image } from "../api/client";
import { byStem, photoOf } from "./targets";

const photos = byStem(
  ["day/a/1.jpg", "day/b/1.jpg", "day/a/2.jpg", "night/a/2.jpg"].map((name) => ({ name }) as Image),
);

test.each([
  ["maps/b/1.PNG", "day/b/1.jpg"],
  ["targets/night/a/2.png", "night/a/2.jpg"],
  ["1.png", undefined],
  ["a/2.png", undefined],
  ["day/a/3.png", undefined],
])("%s belongs to %s", (picture, photo) => {
  expect(photoOf(picture, photos)?.name).toBe(photo);
});
