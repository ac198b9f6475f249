// How class indices look.

import type { Box, LabelMap } from "./label-map";
import type { Layer } from "./layer";
import { type View } from "./view";

export type Rgb = readonly [number, number, number];

/** One colour for each of the 256 indices, as ImageData holds it: bytes R, G, B, A. */
export function table(colours: readonly Rgb[], hidden: ReadonlySet<number> = new Set()): Uint32Array {
  const entries = new Uint32Array(256);
  const bytes = new Uint8Array(entries.buffer);
  colours.forEach((colour, id) => {
    if (!hidden.has(id)) bytes.set([...colour, 255], id * 4);
  });
  return entries;
}

/** Far-apart colours for as many classes as there are, where the class table's are hard to tell apart. */
export function distinct(count: number): Rgb[] {
  return Array.from({ length: count }, (_, index) => {
    const hue = (index * 137.508) % 360;
    const light = [0.5, 0.68, 0.36][index % 3];
    return fromHsl(hue, 0.75, light);
  });
}

function fromHsl(hue: number, saturation: number, light: number): Rgb {
  const spread = saturation * Math.min(light, 1 - light);
  const channel = (shift: number) => {
    const k = (shift + hue / 30) % 12;
    return Math.round(255 * (light - spread * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** What a canvas shows: the label map, and beneath it, where it is unlabelled, a suggestion. */
export interface Shown {
  map: LabelMap;
  entries: Uint32Array;
  unlabelled: number;
  layer: Layer | null;
  /** The doubt from which on the suggestion is crossed out. */
  limit: number;
  /** Draw the borders between classes. */
  outlines: boolean;
}

const [LIGHT, DARK] = new Uint32Array(new Uint8Array([255, 255, 255, 255, 0, 0, 0, 255]).buffer);
/** Device pixels. */
const [STRIPE, CROSS, OUTLINE] = [3, 12, 2];

/**
 * The part `box` of a canvas, in device pixels, that shows the label map. `ratio` is device pixels per CSS
 * pixel. Every device pixel shows the image pixel under its centre. A suggestion is striped, and where it is
 * least sure, lines that are light and dark cross its stripes.
 */
export function drawn(shown: Shown, view: View, ratio: number, box: Box): ImageData {
  const { map, entries, layer } = shown;
  const picture = new ImageData(box.right - box.left, box.bottom - box.top);
  const pixels = new Uint32Array(picture.data.buffer);
  const scale = view.scale * ratio;
  const columns = places(box.left, picture.width + OUTLINE, view.x * ratio, scale, map.width);
  const lines = places(box.top, picture.height + OUTLINE, view.y * ratio, scale, map.height);
  for (let line = 0; line < picture.height; line++) {
    if (lines[line] < 0) continue;
    const [from, to] = [lines[line] * map.width, line * picture.width];
    const below = lines[line + OUTLINE] < 0 ? from : lines[line + OUTLINE] * map.width;
    const diagonal = box.top + line + box.left;
    for (let column = 0; column < picture.width; column++) {
      const x = columns[column];
      if (x < 0) continue;
      const id = map.ids[from + x];
      const right = columns[column + OUTLINE] < 0 ? x : columns[column + OUTLINE];
      const isBorder = shown.outlines && (map.ids[from + right] !== id || map.ids[below + x] !== id);
      if (isBorder) pixels[to + column] = (diagonal + column) & 4 ? LIGHT : DARK;
      else if (layer && id === shown.unlabelled)
        pixels[to + column] = suggested(shown, layer, from + x, box.left + column, box.top + line);
      else pixels[to + column] = entries[id];
    }
  }
  return picture;
}

/** The image row or column under each of `count` device pixels from `first` on; -1 outside the image. */
function places(first: number, count: number, origin: number, scale: number, size: number): Int32Array {
  return Int32Array.from({ length: count }, (_, at) => {
    const place = Math.floor((first + at + 0.5 - origin) / scale);
    return place >= 0 && place < size ? place : -1;
  });
}

function suggested(
  { entries, limit }: Shown,
  layer: Layer,
  at: number,
  column: number,
  line: number,
): number {
  const across = (column + (CROSS - 1) * line) % CROSS;
  if (layer.doubt && layer.doubt[at] >= limit && across < 2) return across ? DARK : LIGHT;
  return Math.floor((column + line) / STRIPE) % 2 === 0 ? 0 : entries[layer.ids[at]];
}
