// Paths along the edges of a photo (intelligent scissors, Mortensen and Barrett 1995).

import type { Size } from "./shapes";

const MARGIN = 48;
const NEAR: readonly (readonly [number, number])[] = [
  [-1, -1],
  [0, -1],
  [1, -1],
  [-1, 0],
  [1, 0],
  [-1, 1],
  [0, 1],
  [1, 1],
];

/** What it costs to go over a pixel: 1 on the strongest edges, up to 64 where there is none. */
export function costs(rgba: Uint8ClampedArray, { width, height }: Size): Uint8Array {
  const grey = Float32Array.from({ length: width * height }, (_, at) => {
    return 0.299 * rgba[at * 4] + 0.587 * rgba[at * 4 + 1] + 0.114 * rgba[at * 4 + 2];
  });
  const at = (x: number, y: number) =>
    grey[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))];
  const found = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [up, down] = [y - 1, y + 1];
      const across =
        at(x + 1, up) +
        2 * at(x + 1, y) +
        at(x + 1, down) -
        at(x - 1, up) -
        2 * at(x - 1, y) -
        at(x - 1, down);
      const along =
        at(x - 1, down) + 2 * at(x, down) + at(x + 1, down) - at(x - 1, up) - 2 * at(x, up) - at(x + 1, up);
      found[y * width + x] = Math.max(1, 64 - Math.round(Math.hypot(across, along) / 4));
    }
  }
  return found;
}

/**
 * The cheapest path of pixels from one to another, both included, from pixel to neighbour, also by corners.
 * Only the box around both is looked at, with a margin. A step costs what its pixel costs, times its length.
 */
export function path(cost: Uint8Array, size: Size, from: number, to: number): number[] {
  const [x0, y0, x1, y1] = [from % size.width, row(from, size), to % size.width, row(to, size)];
  const left = Math.max(0, Math.min(x0, x1) - MARGIN);
  const top = Math.max(0, Math.min(y0, y1) - MARGIN);
  const width = Math.min(size.width, Math.max(x0, x1) + MARGIN + 1) - left;
  const height = Math.min(size.height, Math.max(y0, y1) + MARGIN + 1) - top;
  const outer = (place: number) => (top + Math.floor(place / width)) * size.width + left + (place % width);
  const far = new Float64Array(width * height).fill(Infinity);
  const before = new Int32Array(width * height).fill(-1);
  const [start, goal] = [(y0 - top) * width + x0 - left, (y1 - top) * width + x1 - left];
  const open = new Heap();
  far[start] = 0;
  open.push(start, 0);
  for (let place = open.pop(); place >= 0 && place !== goal; place = open.pop()) {
    const [x, y] = [place % width, Math.floor(place / width)];
    for (const [dx, dy] of NEAR) {
      if (x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue;
      const next = place + dy * width + dx;
      const length = far[place] + cost[outer(next)] * (dx && dy ? Math.SQRT2 : 1);
      if (length >= far[next]) continue;
      far[next] = length;
      before[next] = place;
      open.push(next, length);
    }
  }
  const found: number[] = [];
  for (let place = goal; place >= 0; place = before[place]) found.push(outer(place));
  return found.reverse();
}

function row(place: number, { width }: Size): number {
  return Math.floor(place / width);
}

/** Places by their keys, the smallest first. A place may be in it several times. */
class Heap {
  #places: number[] = [];
  #keys: number[] = [];

  push(place: number, key: number): void {
    let at = this.#places.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#keys[parent] <= key) break;
      this.#put(at, this.#places[parent], this.#keys[parent]);
      at = parent;
    }
    this.#put(at, place, key);
  }

  /** -1 if it is empty. */
  pop(): number {
    const first = this.#places[0] ?? -1;
    const [place, key] = [this.#places.pop()!, this.#keys.pop()!];
    const size = this.#places.length;
    if (size === 0) return first;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && this.#keys[child + 1] < this.#keys[child]) child++;
      if (this.#keys[child] >= key) break;
      this.#put(at, this.#places[child], this.#keys[child]);
      at = child;
    }
    this.#put(at, place, key);
    return first;
  }

  #put(at: number, place: number, key: number): void {
    this.#places[at] = place;
    this.#keys[at] = key;
  }
}
