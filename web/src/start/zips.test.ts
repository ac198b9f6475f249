import { expect, test } from "vitest";

import { namesIn } from "./zips";

/** Made by Python's zipfile: three files, and a comment at the end. */
const ZIP =
  "UEsDBBQAAAAAAIojfF2DFtyMAQAAAAEAAAAKAAAAY2l0eS9hLmpwZ3hQSwMEFAAACAAAiiN8XYMW3IwBAAAAAQAAABAAAABjaXR5L3N0cmHDn2Uu" +
  "cG5neFBLAwQUAAAAAACKI3xdgxbcjAEAAAABAAAACQAAAG5vdGVzLnR4dHhQSwECFAMUAAAAAACKI3xdgxbcjAEAAAABAAAACgAAAAAAAAAAAAAA" +
  "gAEAAAAAY2l0eS9hLmpwZ1BLAQIUAxQAAAgAAIojfF2DFtyMAQAAAAEAAAAQAAAAAAAAAAAAAACAASkAAABjaXR5L3N0cmHDn2UucG5nUEsBAhQD" +
  "FAAAAAAAiiN8XYMW3IwBAAAAAQAAAAkAAAAAAAAAAAAAAIABWAAAAG5vdGVzLnR4dFBLBQYAAAAAAwADAK0AAACAAAAAEABtYWRlIGJ5IGEgY2Ft" +
  "ZXJh";
const bytes = Uint8Array.from(atob(ZIP), (letter) => letter.charCodeAt(0));

test("the names of the files in a zip are read without unpacking it", async () => {
  expect(await namesIn(new Blob([bytes]))).toEqual(["city/a.jpg", "city/straße.png", "notes.txt"]);
});

test("of what is no zip, or is not whole, nothing is told", async () => {
  expect(await namesIn(new Blob(["a tar"]))).toBe(null);
  expect(await namesIn(new Blob([bytes.slice(0, -60)]))).toBe(null);
  expect(await namesIn(new Blob([bytes.slice(60)]))).toBe(null);
});
