// What is left to label, counted again a moment after something was painted.

import { inBackground } from "./background";
import type { Box, LabelMap } from "./label-map";

const COUNT_AFTER_MS = 400;

export class Survey {
  /** Unlabelled pixels, and how many regions they form; null until they are counted. */
  left = $state.raw<{ pixels: number; regions: number } | null>(null);
  /** Pixels of each class index. */
  shares = $state.raw<Uint32Array>(new Uint32Array(256));
  #places: Box[] = [];
  #jumps = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  constructor(private readonly unlabelled: number) {}

  /** Another photo is opened. */
  opened(map: LabelMap): void {
    this.#asked++;
    this.left = null;
    this.shares = new Uint32Array(256);
    this.soon(map);
  }

  soon(map: LabelMap): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.now(map), COUNT_AFTER_MS);
  }

  async now(map: LabelMap): Promise<void> {
    const asked = ++this.#asked;
    const found = await inBackground("survey", map, this.unlabelled);
    if (asked !== this.#asked) return;
    this.shares = found.shares;
    this.#places = found.places;
    this.left = { pixels: found.pixels, regions: found.places.length };
  }

  /** The next unlabelled region; null if every pixel is labelled. */
  async next(map: LabelMap): Promise<Box | null> {
    await this.now(map);
    return this.#places.length ? this.#places[this.#jumps++ % this.#places.length] : null;
  }
}
