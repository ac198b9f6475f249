// Superpixels: connected pixels of like colour (SLIC, Achanta et al. 2012).

import type { Size } from "./shapes";

export interface Segments extends Size {
  /** The segment of each pixel, counted from 0. */
  ids: Int32Array;
  count: number;
}

const ROUNDS = 6;
/** How much a place counts beside a colour: larger values give rounder segments. */
const COMPACTNESS = 12;
const SMALLEST_SHARE = 0.25;

/**
 * Divide a photo, as RGBA bytes, into about `wanted` segments. Every pixel is in one, every segment is
 * connected by the sides of its pixels, and the same photo always has the same segments.
 */
export function slic(rgba: Uint8ClampedArray, size: Size, wanted: number): Segments {
  const pixels = size.width * size.height;
  const step = Math.max(2, Math.sqrt(pixels / wanted));
  const colours = lab(rgba, pixels);
  const nearest = clustered(colours, size, step);
  return connected(nearest, size, step * step * SMALLEST_SHARE);
}

/** L, a and b of each pixel. */
function lab(rgba: Uint8ClampedArray, pixels: number): Float32Array {
  const linear = Float32Array.from({ length: 256 }, (_, value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const bent = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const found = new Float32Array(pixels * 3);
  for (let at = 0; at < pixels; at++) {
    const [r, g, b] = [linear[rgba[at * 4]], linear[rgba[at * 4 + 1]], linear[rgba[at * 4 + 2]]];
    const x = bent((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
    const y = bent(0.2126 * r + 0.7152 * g + 0.0722 * b);
    const z = bent((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
    found[at * 3] = 116 * y - 16;
    found[at * 3 + 1] = 500 * (x - y);
    found[at * 3 + 2] = 200 * (y - z);
  }
  return found;
}

/** The cluster of each pixel: k-means of colour and place, looking only at clusters that are near. */
function clustered(colours: Float32Array, { width, height }: Size, step: number): Int32Array {
  const [across, down] = [Math.max(1, Math.round(width / step)), Math.max(1, Math.round(height / step))];
  const centres = new Float64Array(across * down * 5); // L, a, b, x, y
  for (let index = 0; index < across * down; index++) {
    const x = Math.floor(((index % across) + 0.5) * (width / across));
    const y = Math.floor((Math.floor(index / across) + 0.5) * (height / down));
    centres.set(colours.subarray((y * width + x) * 3, (y * width + x) * 3 + 3), index * 5);
    centres.set([x, y], index * 5 + 3);
  }
  const weight = (COMPACTNESS / step) ** 2;
  const nearest = new Int32Array(width * height).fill(-1);
  const distance = new Float32Array(width * height);
  for (let round = 0; round < ROUNDS; round++) {
    distance.fill(Infinity);
    for (let index = 0; index < centres.length; index += 5) {
      const [l, a, b, x, y] = centres.subarray(index, index + 5);
      const [left, right] = [Math.max(0, Math.floor(x - step)), Math.min(width, Math.ceil(x + step + 1))];
      const [top, bottom] = [Math.max(0, Math.floor(y - step)), Math.min(height, Math.ceil(y + step + 1))];
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) {
          const at = row * width + column;
          const [dl, da, db] = [colours[at * 3] - l, colours[at * 3 + 1] - a, colours[at * 3 + 2] - b];
          const place = (column - x) ** 2 + (row - y) ** 2;
          const far = dl * dl + da * da + db * db + place * weight;
          if (far < distance[at]) {
            distance[at] = far;
            nearest[at] = index / 5;
          }
        }
      }
    }
    move(centres, colours, nearest, width);
  }
  return nearest;
}

/** Move every centre to the mean of its pixels. */
function move(centres: Float64Array, colours: Float32Array, nearest: Int32Array, width: number): void {
  const sums = new Float64Array(centres.length);
  const counts = new Uint32Array(centres.length / 5);
  for (let at = 0; at < nearest.length; at++) {
    const cluster = nearest[at];
    if (cluster < 0) continue;
    counts[cluster]++;
    for (let channel = 0; channel < 3; channel++) sums[cluster * 5 + channel] += colours[at * 3 + channel];
    sums[cluster * 5 + 3] += at % width;
    sums[cluster * 5 + 4] += Math.floor(at / width);
  }
  for (let index = 0; index < centres.length; index++) {
    const count = counts[Math.floor(index / 5)];
    if (count) centres[index] = sums[index] / count;
  }
}

/** Connected parts of clusters are segments; those of fewer pixels than `smallest` join one beside them. */
function connected(clusters: Int32Array, { width, height }: Size, smallest: number): Segments {
  const ids = new Int32Array(clusters.length).fill(-1);
  const part = new Int32Array(clusters.length);
  let count = 0;
  for (let start = 0; start < ids.length; start++) {
    if (ids[start] >= 0) continue;
    let [length, beside] = [1, -1];
    part[0] = start;
    ids[start] = count;
    for (let next = 0; next < length; next++) {
      const at = part[next];
      const x = at % width;
      for (const to of [x > 0 ? at - 1 : -1, x + 1 < width ? at + 1 : -1, at - width, at + width]) {
        if (to < 0 || to >= width * height) continue;
        if (ids[to] >= 0 && ids[to] !== count) beside = ids[to];
        if (ids[to] >= 0 || clusters[to] !== clusters[start]) continue;
        ids[to] = count;
        part[length++] = to;
      }
    }
    if (length >= smallest || beside < 0) count++;
    else for (let index = 0; index < length; index++) ids[part[index]] = beside;
  }
  return { width, height, ids, count };
}
