import { expect, test } from "vitest";

import { Tools } from "./tools.svelte";

const COLOURS = [
  [200, 0, 0],
  [0, 200, 0],
  [0, 0, 200],
] as const;

test("a brush that keeps its size on the screen has it again when the view is as before", () => {
  const tools = new Tools(COLOURS, 255);
  tools.opened({ width: 4000, height: 3000 });
  tools.diameter = 10;
  tools.zoomed(2);
  expect(tools.diameter).toBe(10);
  tools.keepsSize = true;
  for (let step = 0; step < 400; step++) tools.zoomed(1.01);
  expect(tools.diameter).toBe(1);
  for (let step = 0; step < 400; step++) tools.zoomed(1 / 1.01);
  expect(tools.diameter).toBe(10);
  tools.zoomed(1 / 1.3);
  expect(tools.diameter).toBe(13);
  tools.zoomed(1e-4);
  expect(tools.diameter).toBe(2000);
});

test("keys choose what is painted over, and the same key takes it back", () => {
  const tools = new Tools(COLOURS, 255);
  const rules = () => [tools.rules.onlyUnlabelled, tools.rules.onlyClass];
  const after = (...keys: Parameters<Tools["paintOver"]>[0][]) => {
    tools.over = "everything";
    for (const key of keys) tools.paintOver(key);
    return rules();
  };
  expect(after("unlabelled")).toEqual([true, null]);
  expect(after("unlabelled", "unlabelled")).toEqual([false, null]);
  expect(after("unlabelled", 0)).toEqual([false, 0]);
  expect(after(0, 2)).toEqual([false, null]);
  expect(after(0, "unlabelled")).toEqual([true, null]);
  expect(after(255)).toEqual([true, null]);
});

test("classes are hidden one by one, or all but one", () => {
  const tools = new Tools(COLOURS, 255);
  const hidden = () => [...tools.hidden].sort();
  tools.hide(1);
  tools.hide(2);
  expect(hidden()).toEqual([1, 2]);
  tools.solo = 1;
  expect(hidden()).toEqual([0, 2]);
  tools.solo = null;
  tools.hide(1);
  expect(hidden()).toEqual([2]);
  tools.opened({ width: 4, height: 3 });
  expect(hidden()).toEqual([]);
});
