import { beforeEach, expect, test, vi } from "vitest";

import type { Image } from "../api/client";
import type { LabelMap } from "./label-map";

vi.hoisted(() => Object.assign(globalThis, { document: { baseURI: "http://service/" } }));
const { NOTHING, STROKES, Suggestion } = await import("./suggestion.svelte");

const table = { ignore: 255, ignore_ids: [], classes: [{ name: "a" }, { name: "b" }] };
const photo = (split: "train" | "test") => ({ id: "i", split }) as Image;
const map = (...ids: number[]): LabelMap => ({ width: 2, height: 1, ids: new Uint8Array(ids) });

/** What the service is asked; it never answers. */
let asked: string[];

beforeEach(() => {
  asked = [];
  vi.stubGlobal("fetch", (address: URL) => {
    asked.push(address.href);
    return new Promise(() => {});
  });
});

function suggesting(...taught: number[]) {
  return new Suggestion(table as never, () => new Set(taught));
}

test("one class alone is not asked about, whether it is of this photo, of finished ones, or of both", () => {
  for (const [taught, painted, lacking] of [
    [[], [255, 255], 2],
    [[], [0, 0], 1],
    [[0], [255, 255], 1],
    [[0], [255, 0], 1],
    [[0], [255, 1], 0],
    [[], [1, 0], 0],
    [[0, 1], [255, 255], 0],
  ] as const) {
    const suggestion = suggesting(...taught);
    suggestion.opened(photo("train"), map(...painted));
    expect([suggestion.isComing, suggestion.lacking]).toEqual([!lacking, lacking]);
    suggestion.stop();
  }
});

test("a photo that is opened before the last one is stored is asked about once that teaches enough", () => {
  const taught = new Set<number>();
  const suggestion = new Suggestion(table as never, () => taught);
  suggestion.opened(photo("train"), map(255, 255));
  expect(suggestion.isComing).toBe(false);
  taught.add(0).add(1);
  suggestion.retaught(map(255, 255));
  expect([suggestion.isComing, suggestion.lacking]).toEqual([true, 0]);
  suggestion.stop();
});

test("nothing is awaited after an undo to one class, another choice, or another photo", async () => {
  const suggestion = suggesting();
  suggestion.opened(photo("train"), map(0, 1));
  for (const end of [
    () => suggestion.stroked(map(0, 255)),
    () => suggestion.choose(NOTHING, map(0, 1)),
    () => suggestion.left(),
  ]) {
    suggestion.choose(STROKES, map(0, 1));
    suggestion.layer = { ...map(0, 1), doubt: null, source: STROKES };
    expect(suggestion.isComing).toBe(true);
    end();
    expect([suggestion.isComing, suggestion.layer]).toEqual([false, null]);
  }
  suggestion.choose("m", map(0, 1));
  expect(suggestion.isComing).toBe(true);
  await vi.waitFor(() => expect(asked).toEqual(["http://service/images/i/suggestion?model=m"]));
  suggestion.left();
  expect(suggestion.isComing).toBe(false);
});

test("on test photos nothing is suggested at first, and what is chosen there holds for them alone", () => {
  const suggestion = suggesting(0, 1);
  suggestion.opened(photo("test"), map(0, 1));
  expect([suggestion.source, suggestion.isComing]).toEqual([NOTHING, false]);
  suggestion.choose("m", map(0, 1));
  suggestion.opened(photo("train"), map(0, 1));
  expect(suggestion.source).toBe(STROKES);
  suggestion.opened(photo("test"), map(0, 1));
  expect(suggestion.source).toBe("m");
  suggestion.left();
});
