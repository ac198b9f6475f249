import { expect, test } from "vitest";

import { classesIn, colorOf, hexOf, written } from "./classes";

const road = { name: "road", color: [128, 64, 128] };
const car = { name: "parked car", color: [0, 0, 142] };

test.each([
  ["lines", "road #804080\n\n parked car #00008E "],
  ["CVAT's table", "# label:color_rgb:parts:actions\nroad:128,64,128::\nparked car:0,0,142::"],
  ["CamVid's table", "128 64 128\troad\n0 0 142 parked car"],
  ["JSON", JSON.stringify({ ignore: 255, classes: [road, car] })],
])("classes are read from %s", (_, text) => {
  expect(classesIn(text)).toEqual([road, car]);
});

test("what is written is read back", () => {
  const found = [road, car, { name: "sky" }];
  expect(classesIn(found.map(written).join("\n"))).toEqual(found);
  expect(colorOf(hexOf(car.color))).toEqual(car.color);
});

test("a class may have no colour, and JSON may have numbers", () => {
  expect(classesIn("sky\nstreet light")).toEqual([{ name: "sky" }, { name: "street light" }]);
  expect(classesIn('{"classes": [{"name": "sky", "id": 23}]}')).toEqual([{ name: "sky", id: 23 }]);
});

test("a JSON without classes is refused", () => {
  expect(() => classesIn("{}")).toThrow("classes");
});
