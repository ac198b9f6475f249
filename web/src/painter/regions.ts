// Connected pixels of one class.

import type { LabelMap } from "./label-map";
import type { Span } from "./shapes";

/** The pixels of the class of pixel (x, y) that are connected with it by their sides. */
export function region(map: LabelMap, x: number, y: number): Span[] {
  const { ids, width, height } = map;
  const id = ids[y * width + x];
  const seen = new Uint8Array(ids.length);
  const spans: Span[] = [];
  const open: number[] = [y * width + x];
  while (open.length > 0) {
    const at = open.pop()!;
    if (seen[at]) continue;
    const row = Math.floor(at / width);
    let [start, end] = [at, at + 1];
    while (start > row * width && ids[start - 1] === id && !seen[start - 1]) start--;
    while (end < (row + 1) * width && ids[end] === id && !seen[end]) end++;
    seen.fill(1, start, end);
    spans.push({ row, start: start - row * width, end: end - row * width });
    for (const beside of [row - 1, row + 1]) {
      if (beside < 0 || beside >= height) continue;
      const shift = (beside - row) * width;
      for (let pixel = start + shift; pixel < end + shift; pixel++) {
        const opens = ids[pixel] === id && !seen[pixel];
        const goesOn = pixel > start + shift && ids[pixel - 1] === id && !seen[pixel - 1];
        if (opens && !goesOn) open.push(pixel);
      }
    }
  }
  return spans;
}

/** Every connected region of a class, each as its spans. */
export function regions(map: LabelMap, id: number): Span[][] {
  const seen = new Uint8Array(map.ids.length);
  const found: Span[][] = [];
  for (let at = 0; at < map.ids.length; at++) {
    if (map.ids[at] !== id || seen[at]) continue;
    const spans = region(map, at % map.width, Math.floor(at / map.width));
    for (const { row, start, end } of spans) seen.fill(1, row * map.width + start, row * map.width + end);
    found.push(spans);
  }
  return found;
}

export function pixelsOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { start, end }) => sum + end - start, 0);
}
