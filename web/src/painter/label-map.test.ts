import fc from "fast-check";
import { expect, test } from "vitest";

import { History } from "./journal/history";
import { blank, boxOf, type Change, type LabelMap, paint, paste, type Rules } from "./label-map";
import { capsule } from "./shapes";

const size = { width: 24, height: 18 };
const free: Rules = { unlabelled: 255, onlyUnlabelled: false, locked: new Set(), onlyClass: null };
const stroke = fc.record({
  a: fc.record({ x: fc.integer({ min: -4, max: 28 }), y: fc.integer({ min: -4, max: 22 }) }),
  b: fc.record({ x: fc.integer({ min: -4, max: 28 }), y: fc.integer({ min: -4, max: 22 }) }),
  radius: fc.integer({ min: 1, max: 9 }),
  id: fc.constantFrom<number[]>(0, 1, 2, 3, 255),
});
type Stroke = typeof stroke extends fc.Arbitrary<infer T> ? T : never;

function painted(map: LabelMap, { a, b, radius, id }: Stroke, rules = free): Change {
  const change: Change = [];
  paint(map, capsule(a, b, radius, size), id, rules, change);
  return change;
}

test("undoing every stroke gives the first bytes back, and doing them again the last", () => {
  fc.assert(
    fc.property(fc.array(stroke, { minLength: 1, maxLength: 12 }), (strokes) => {
      const map = blank(size, 255);
      const history = new History();
      for (const each of strokes) history.add(painted(map, each));
      const last = map.ids.slice();
      while (history.undo(map));
      expect(map.ids).toEqual(blank(size, 255).ids);
      while (history.redo(map));
      expect(map.ids).toEqual(last);
    }),
  );
});

test("a history of which the changes were kept goes on where it was", () => {
  const map = blank(size, 255);
  const history = new History();
  const changes: Change[] = [];
  for (let x = 2; x < 20; x += 3) {
    changes.push(painted(map, { a: { x, y: 8 }, b: { x, y: 9 }, radius: 3, id: x % 4 }));
    history.add(changes[changes.length - 1]);
  }
  const last = map.ids.slice();
  history.undo(map);
  history.undo(map);
  const restored = History.restored(changes, history.count);
  expect([restored.count, restored.undone]).toEqual([4, 2]);
  while (restored.redo(map));
  expect(map.ids).toEqual(last);
  while (restored.undo(map));
  expect(map.ids).toEqual(blank(size, 255).ids);
});

test("a history keeps 500 strokes, and forgets the oldest only when its bytes are used up", () => {
  const map = blank(size, 255);
  const long = new History();
  const short = new History(1000);
  for (let index = 0; index < 500; index++) {
    const change = painted(map, { a: { x: 12, y: 9 }, b: { x: 12, y: 9 }, radius: 5, id: index % 2 });
    long.add(change);
    short.add(change);
  }
  const steps = (history: History) => {
    let count = 0;
    while (history.undo(map)) count++;
    return count;
  };
  expect([long.count, short.count]).toEqual([500, 500]);
  expect(steps(long)).toBe(500);
  expect(steps(short)).toBeLessThan(10);
  expect(steps(short)).toBe(0);
});

test("erasing what was just painted leaves the bytes as they were", () => {
  fc.assert(
    fc.property(stroke, (each) => {
      const map = blank(size, 255);
      painted(map, { ...each, id: 3 });
      painted(map, { ...each, id: 255 });
      expect(map.ids).toEqual(blank(size, 255).ids);
    }),
  );
});

test("a stroke changes what its rules allow and nothing else", () => {
  fc.assert(
    fc.property(fc.array(stroke, { maxLength: 6 }), stroke, (before, last) => {
      const cases: [Rules, (id: number) => boolean][] = [
        [{ ...free, onlyUnlabelled: true }, (id) => id === 255],
        [{ ...free, locked: new Set([1, 2]) }, (id) => id !== 1 && id !== 2],
        [{ ...free, onlyClass: 2 }, (id) => id === 2],
      ];
      for (const [rules, allowed] of cases) {
        const map = blank(size, 255);
        for (const each of before) painted(map, each);
        const [old, wild] = [map.ids.slice(), { ...map, ids: map.ids.slice() }];
        painted(map, last, rules);
        painted(wild, last);
        expect(map.ids).toEqual(old.map((id, at) => (allowed(id) ? wild.ids[at] : id)));
      }
    }),
  );
});

test("pasting a suggestion changes unlabelled pixels only, where it is labelled", () => {
  const map = blank(size, 255);
  painted(map, { a: { x: 6, y: 6 }, b: { x: 9, y: 9 }, radius: 4, id: 1 });
  const old = map.ids.slice();
  const suggestion = old.map((_, at) => (at % 3 === 0 ? 255 : at % 5));
  paste(map, suggestion, { ...free, onlyUnlabelled: true }, []);
  expect(map.ids).toEqual(old.map((id, at) => (id === 255 ? suggestion[at] : id)));
});

test("the box of a change holds every changed pixel and no empty side", () => {
  fc.assert(
    fc.property(stroke, (each) => {
      const map = blank(size, 254);
      const box = boxOf(painted(map, each), size.width);
      const columns: number[] = [];
      const rows: number[] = [];
      map.ids.forEach((id, at) => {
        if (id !== 254)
          [columns, rows].forEach((list, axis) => list.push(axis ? Math.floor(at / 24) : at % 24));
      });
      if (columns.length === 0) {
        expect(box).toBeNull();
        return;
      }
      const bounds = [
        Math.min(...columns),
        Math.min(...rows),
        Math.max(...columns) + 1,
        Math.max(...rows) + 1,
      ];
      expect([box!.left, box!.top, box!.right, box!.bottom]).toEqual(bounds);
    }),
  );
});
