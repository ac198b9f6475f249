// Superpixels as the painter uses them: which one is under a point, and which pixels of the photo it has.

import type { Point, Size, Span } from "./shapes";
import type { Segments } from "./slic";

/** The segments of a photo that may be larger than the picture that they were found in. */
export class SegmentMap {
  /** The runs of each segment: row, start and end; those of segment i begin at `#offsets[i]`. */
  readonly #runs: Int32Array;
  readonly #offsets: Int32Array;

  constructor(
    private readonly segments: Segments,
    private readonly photo: Size,
  ) {
    const { ids, width, count } = segments;
    const lengths = new Int32Array(count + 1);
    const ends = (at: number) => at + 1 === ids.length || (at + 1) % width === 0 || ids[at + 1] !== ids[at];
    for (let at = 0; at < ids.length; at++) if (ends(at)) lengths[ids[at] + 1]++;
    for (let index = 0; index < count; index++) lengths[index + 1] += lengths[index];
    this.#offsets = lengths.slice();
    this.#runs = new Int32Array(lengths[count] * 3);
    for (let at = 0, start = 0; at < ids.length; at++) {
      if (!ends(at)) continue;
      const run = [Math.floor(at / width), start % width, (at % width) + 1];
      this.#runs.set(run, lengths[ids[at]]++ * 3);
      start = at + 1;
    }
  }

  get count(): number {
    return this.segments.count;
  }

  /** The segment that holds a point of the photo; -1 outside it. */
  at({ x, y }: Point): number {
    if (x < 0 || y < 0 || x >= this.photo.width || y >= this.photo.height) return -1;
    const { ids, width, height } = this.segments;
    const column = shrunk(Math.floor(x), this.photo.width, width);
    const row = shrunk(Math.floor(y), this.photo.height, height);
    return ids[row * width + column];
  }

  /** The pixels of the photo in a segment. */
  spans(segment: number): Span[] {
    const found: Span[] = [];
    for (let run = this.#offsets[segment]; run < this.#offsets[segment + 1]; run++) {
      const [row, start, end] = this.#runs.subarray(run * 3, run * 3 + 3);
      found.push(...enlarged({ row, start, end }, this.segments, this.photo));
    }
    return found;
  }

  /** A point inside the segment. */
  inside(segment: number): Point {
    const spans = this.spans(segment);
    const { row, start, end } = spans[Math.floor(spans.length / 2)];
    return { x: (start + end) / 2, y: row + 0.5 };
  }

  /** The segment beside this one in a direction; the same if the photo ends there. */
  beside(segment: number, dx: number, dy: number): number {
    const { x, y } = this.inside(segment);
    for (let far = 1; ; far++) {
      const next = this.at({ x: x + dx * far, y: y + dy * far });
      if (next < 0) return segment;
      if (next !== segment) return next;
    }
  }
}

/** The pixel of a smaller picture that lies under a pixel's centre. */
export function shrunk(place: number, from: number, to: number): number {
  return Math.min(to - 1, Math.floor(((place + 0.5) * to) / from));
}

/** The pixels of the photo whose centres lie in a span of the smaller picture. */
export function enlarged({ row, start, end }: Span, from: Size, to: Size): Span[] {
  const top = grown(row, from.height, to.height);
  const rows = Math.max(0, grown(row + 1, from.height, to.height) - top);
  const wide = { start: grown(start, from.width, to.width), end: grown(end, from.width, to.width) };
  return Array.from({ length: rows }, (_, line) => ({ row: top + line, ...wide }));
}

/** The first pixel of the photo whose centre lies at or behind the place in the smaller picture. */
function grown(place: number, from: number, to: number): number {
  return Math.ceil((place * to) / from - 0.5);
}
