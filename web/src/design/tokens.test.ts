import { expect, test } from "vitest";

import tokens from "./tokens.css?raw";

/** WCAG's relative luminance of `#rrggbb`. */
function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

const pairs = new Map(
  [...tokens.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name, ...pair]) => [
    name,
    pair,
  ]),
);

test("the colours of data stand out from the surface, in light and in dark", () => {
  const data = [...pairs].filter(([name]) => name.startsWith("data-"));
  expect(data.length).toBe(13);
  for (const [name, pair] of data)
    pair.forEach((colour, scheme) =>
      expect(contrast(colour, pairs.get("surface")![scheme]), `${name} ${colour}`).toBeGreaterThan(3),
    );
});
