// A label map as it is painted: one class index per pixel, row by row. Canvases show it and are never read.

import type { Size, Span } from "./shapes";

export interface LabelMap extends Size {
  /** width · height class indices. */
  ids: Uint8Array;
}

/** Which pixels a stroke may change. */
export interface Rules {
  /** The index of unlabelled pixels. */
  unlabelled: number;
  /** Change unlabelled pixels only. */
  onlyUnlabelled: boolean;
  /** Classes whose pixels stay as they are. */
  locked: ReadonlySet<number>;
  /** Change pixels of this class only. */
  onlyClass: number | null;
}

/**
 * Pixels that changed, as runs of three numbers: the first pixel, how many, and their class indices before
 * (upper 8 bits) and after.
 */
export type Change = number[];

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export function blank(size: Size, unlabelled: number): LabelMap {
  return { ...size, ids: new Uint8Array(size.width * size.height).fill(unlabelled) };
}

function allows(rules: Rules, id: number): boolean {
  if (rules.onlyUnlabelled) return id === rules.unlabelled;
  if (rules.onlyClass !== null) return id === rules.onlyClass;
  return !rules.locked.has(id);
}

/** Give the pixels of the spans the class `id` where the rules allow it, and add what changed to `change`. */
export function paint(map: LabelMap, spans: readonly Span[], id: number, rules: Rules, change: Change): void {
  const allowed = new Uint8Array(256).map((_, before) => (before !== id && allows(rules, before) ? 1 : 0));
  for (const { row, start, end } of spans) {
    const last = row * map.width + end;
    for (let at = row * map.width + start; at < last;) {
      const before = map.ids[at];
      let next = at + 1;
      while (next < last && map.ids[next] === before) next++;
      if (allowed[before]) {
        map.ids.fill(id, at, next);
        change.push(at, next - at, (before << 8) | id);
      }
      at = next;
    }
  }
}

/** Take over `ids` where they are not unlabelled and the rules allow it. */
export function paste(map: LabelMap, ids: Uint8Array, rules: Rules, change: Change): void {
  for (let at = 0; at < ids.length;) {
    const [before, after] = [map.ids[at], ids[at]];
    let next = at + 1;
    while (next < ids.length && map.ids[next] === before && ids[next] === after) next++;
    if (after !== before && after !== rules.unlabelled && allows(rules, before)) {
      map.ids.fill(after, at, next);
      change.push(at, next - at, (before << 8) | after);
    }
    at = next;
  }
}

/** Undo a change. Its runs are taken back from the last to the first. */
export function revert(map: LabelMap, change: Change): void {
  for (let index = change.length - 3; index >= 0; index -= 3) {
    map.ids.fill(change[index + 2] >> 8, change[index], change[index] + change[index + 1]);
  }
}

export function replay(map: LabelMap, change: Change): void {
  for (let index = 0; index < change.length; index += 3) {
    map.ids.fill(change[index + 2] & 255, change[index], change[index] + change[index + 1]);
  }
}

/** Do a change that was made of an earlier map, where the pixels are as they were then. Returns what changed. */
export function merged(map: LabelMap, change: Change): Change {
  const done: Change = [];
  for (let index = 0; index < change.length; index += 3) {
    const [first, length, ids] = change.slice(index, index + 3);
    const isSame = map.ids.subarray(first, first + length).every((id) => id === ids >> 8);
    if (!isSame) continue;
    map.ids.fill(ids & 255, first, first + length);
    done.push(first, length, ids);
  }
  return done;
}

/** The smallest box of pixels that holds the runs of a change from `from` on; null if there are none. */
export function boxOf(change: Change, width: number, from = 0): Box | null {
  if (from >= change.length) return null;
  const box = { left: width, top: Infinity, right: 0, bottom: 0 };
  for (let index = from; index < change.length; index += 3) {
    const [first, last] = [change[index], change[index] + change[index + 1] - 1];
    const [top, bottom] = [Math.floor(first / width), Math.floor(last / width)];
    box.top = Math.min(box.top, top);
    box.bottom = Math.max(box.bottom, bottom + 1);
    box.left = Math.min(box.left, top === bottom ? first % width : 0);
    box.right = Math.max(box.right, top === bottom ? (last % width) + 1 : width);
  }
  return box;
}

/** The smallest box that holds the spans. */
export function boxOfSpans(spans: readonly Span[]): Box {
  const box = { left: Infinity, top: Infinity, right: 0, bottom: 0 };
  for (const { row, start, end } of spans) {
    box.left = Math.min(box.left, start);
    box.right = Math.max(box.right, end);
    box.top = Math.min(box.top, row);
    box.bottom = Math.max(box.bottom, row + 1);
  }
  return box;
}

export function isSame(one: LabelMap, other: LabelMap): boolean {
  return one.width === other.width && one.ids.every((id, at) => id === other.ids[at]);
}

/** The number of pixels of each of the 256 class indices. */
export function counts(map: LabelMap): Uint32Array {
  const found = new Uint32Array(256);
  for (const id of map.ids) found[id]++;
  return found;
}
