// Tidies a label map: small regions join what is around them, and ragged borders become smooth.

import type { Change, LabelMap } from "./label-map";
import { pixelsOf, region } from "./regions";
import type { Span } from "./shapes";

const NINE = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => [dx, dy] as const));

/**
 * Give the pixels of every region of fewer than `smaller` pixels the class of the nearest pixel around it,
 * counted in steps along sides. `which` says of which classes; what changed is returned. Unlabelled pixels
 * never spread.
 */
export function absorbed(
  map: LabelMap,
  unlabelled: number,
  smaller: number,
  which: ReadonlySet<number>,
): Change {
  const change: Change = [];
  const seen = new Uint8Array(map.ids.length);
  const before = { ...map, ids: map.ids.slice() };
  for (let at = 0; at < map.ids.length; at++) {
    if (seen[at]) continue;
    const spans = region(before, at % map.width, Math.floor(at / map.width));
    for (const { row, start, end } of spans) seen.fill(1, row * map.width + start, row * map.width + end);
    if (which.has(before.ids[at]) && pixelsOf(spans) < smaller) absorb(map, spans, unlabelled, change);
  }
  return change;
}

function absorb(map: LabelMap, spans: readonly Span[], unlabelled: number, change: Change): void {
  const { ids, width, height } = map;
  const open = new Set<number>();
  for (const { row, start, end } of spans)
    for (let column = start; column < end; column++) open.add(row * width + column);
  const around = (at: number) => {
    const x = at % width;
    const beside = [x > 0 ? at - 1 : -1, x + 1 < width ? at + 1 : -1, at - width, at + width];
    return beside.find((to) => to >= 0 && to < width * height && !open.has(to) && ids[to] !== unlabelled);
  };
  while (open.size > 0) {
    const found = [...open].map((at) => [at, around(at)] as const).filter(([, to]) => to !== undefined);
    if (found.length === 0) return;
    const values = found.map(([at, to]) => [at, ids[to!]] as const);
    for (const [at, id] of values) {
      change.push(at, 1, (ids[at] << 8) | id);
      ids[at] = id;
      open.delete(at);
    }
  }
}

/**
 * Give every labelled pixel the class that most of the nine pixels around it have, if five or more do; what
 * changed is returned. Unlabelled pixels, and pixels of classes that `which` does not name, stay.
 */
export function smoothed(map: LabelMap, unlabelled: number, which: ReadonlySet<number>): Change {
  const change: Change = [];
  const { width, height } = map;
  const before = map.ids.slice();
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      const to = mostOf(before, at, width);
      if (before[at] === unlabelled || to === unlabelled || to === before[at]) continue;
      if (!which.has(before[at]) || !which.has(to)) continue;
      change.push(at, 1, (before[at] << 8) | to);
      map.ids[at] = to;
    }
  }
  return change;
}

/** The class that five or more of the nine pixels around a place have; its own if there is none. */
function mostOf(ids: Uint8Array, at: number, width: number): number {
  for (let first = 0; first < 5; first++) {
    const id = ids[at + NINE[first][0] + NINE[first][1] * width];
    let votes = 0;
    for (const [dx, dy] of NINE) if (ids[at + dx + dy * width] === id) votes++;
    if (votes >= 5) return id;
  }
  return ids[at];
}
