// What the worker does for the painter: everything that may take longer than a frame.

import { words } from "../words";
import { absorbed, smoothed } from "./cleanup";
import { boxOfSpans, type Box, counts, type LabelMap } from "./label-map";
import { doubtful } from "./layer";
import { costs, path } from "./livewire";
import { decoded, encoded } from "./png";
import { pixelsOf, region, regions } from "./regions";
import type { Size, Span } from "./shapes";
import { slic, type Segments } from "./slic";

const MOST_PIXELS = 1.5e6;

/** The photo, made smaller if it is large: tools that look at its colours work on this. */
interface Picture extends Size {
  rgba: Uint8ClampedArray;
  costs: Uint8Array;
}

export interface Survey {
  /** Pixels of each class index. */
  shares: Uint32Array;
  /** Unlabelled pixels, and the boxes of the regions that they form. */
  pixels: number;
  places: Box[];
}

let picture: Picture | null = null;
let looks = 0;

function looked(): Picture {
  if (!picture) throw new Error(words.label.notThere);
  return picture;
}

export const TASKS = {
  encode: encoded,
  decode: decoded,
  region,
  absorbed,
  smoothed,
  doubtful,

  /** Take the photo that the other tasks look at. Returns the size in which they see it. */
  async look(file: Blob): Promise<Size> {
    const look = ++looks;
    const photo = await createImageBitmap(file);
    const shrink = Math.min(1, Math.sqrt(MOST_PIXELS / (photo.width * photo.height)));
    const size = {
      width: Math.max(1, Math.round(photo.width * shrink)),
      height: Math.max(1, Math.round(photo.height * shrink)),
    };
    const canvas = new OffscreenCanvas(size.width, size.height);
    const context = canvas.getContext("2d", { willReadFrequently: true })!;
    context.drawImage(photo, 0, 0, size.width, size.height);
    photo.close();
    const rgba = context.getImageData(0, 0, size.width, size.height).data;
    if (look === looks) picture = { ...size, rgba, costs: costs(rgba, size) }; // another one may be shown by now
    return size;
  },

  superpixels(wanted: number): Segments {
    return slic(looked().rgba, looked(), Math.min(wanted, (looked().width * looked().height) / 16));
  },

  trace(from: number, to: number): number[] {
    return path(looked().costs, looked(), from, to);
  },

  /** The pixels that are connected with one and differ from it by at most `tolerance` in each channel. */
  alike(place: number, tolerance: number): Span[] {
    const { rgba, width, height } = looked();
    const ids = Uint8Array.from({ length: width * height }, (_, at) => {
      for (let channel = 0; channel < 3; channel++) {
        if (Math.abs(rgba[at * 4 + channel] - rgba[place * 4 + channel]) > tolerance) return 0;
      }
      return 1;
    });
    return region({ width, height, ids }, place % width, Math.floor(place / width));
  },

  survey(map: LabelMap, unlabelled: number): Survey {
    const open = regions(map, unlabelled);
    const pixels = open.reduce((sum, spans) => sum + pixelsOf(spans), 0);
    return { shares: counts(map), pixels, places: open.map(boxOfSpans) };
  },
};
