// The photo as tools see it that follow its colours: superpixels, edges, and regions of like colour.

import { inBackground } from "./background";
import { enlarged, SegmentMap, shrunk } from "./segments";
import type { Point, Size, Span } from "./shapes";

/** How many superpixels each level has: as many on every photo, because what photos show are shares of them. */
export const LEVELS = [500, 1000, 2000, 4000, 8000] as const;
/** Of 1000, a few strokes take a road or a sky; only thin things need smaller ones. */
export const FIRST_LEVEL = 1;

export class Picture {
  /** The superpixels of each level, once they were asked for and found. */
  segments = $state.raw<readonly (SegmentMap | null)[]>(LEVELS.map(() => null));
  #asked = new Set<number>();
  #seen: Promise<Size>;

  /** `file` is decoded once more, elsewhere: to copy a large decoded photo would hold up the page. */
  constructor(
    file: Blob,
    private readonly size: Size,
  ) {
    this.#seen = inBackground("look", file);
    this.#seen.catch(() => {});
  }

  /** Find the superpixels of a level, unless that was done. */
  async divide(level: number): Promise<void> {
    if (this.#asked.has(level)) return;
    this.#asked.add(level);
    await this.#seen;
    const found = await inBackground("superpixels", LEVELS[level]);
    this.segments = this.segments.map((each, at) => (at === level ? new SegmentMap(found, this.size) : each));
  }

  /** The points of a path along edges, from one point of the photo to another. */
  async trace(from: Point, to: Point): Promise<Point[]> {
    const seen = await this.#seen;
    const found = await inBackground("trace", this.#place(from, seen), this.#place(to, seen));
    return found.map((at) => ({
      x: (((at % seen.width) + 0.5) * this.size.width) / seen.width,
      y: ((Math.floor(at / seen.width) + 0.5) * this.size.height) / seen.height,
    }));
  }

  /** The pixels that are connected with a point and have about its colour. */
  async alike(point: Point, tolerance: number): Promise<Span[]> {
    const seen = await this.#seen;
    const found = await inBackground("alike", this.#place(point, seen), tolerance);
    return found.flatMap((span) => enlarged(span, seen, this.size));
  }

  #place({ x, y }: Point, seen: Size): number {
    const column = shrunk(Math.max(0, Math.floor(x)), this.size.width, seen.width);
    const row = shrunk(Math.max(0, Math.floor(y)), this.size.height, seen.height);
    return row * seen.width + column;
  }
}
